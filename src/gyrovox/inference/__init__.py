"""Codes of whole volumes."""

from .dense import embed_dense as embed_dense
from .dense import margins as margins
from .patchwise import FoldedEncoder as FoldedEncoder
from .patchwise import embed_patchwise as embed_patchwise
from .regions import embed_region as embed_region
