"""Encoder, decoder and the variational autoencoder they make."""

from .decoder import PatchDecoder as PatchDecoder
from .decoder import UpConvolutions as UpConvolutions
from .encoder import DenseEncoder as DenseEncoder
from .encoder import PatchEncoder as PatchEncoder
from .hyperbolic_vae import HyperbolicVAE as HyperbolicVAE
from .objectives import Evidence as Evidence
from .objectives import evidence as evidence
from .objectives import importance_weighted_bound as importance_weighted_bound
from .objectives import triplet_loss as triplet_loss
from .parameters import parameters as parameters
from .parameters import with_parameters as with_parameters
from .posterior import Posterior as Posterior
from .volume_decoder import VolumeDecoder as VolumeDecoder
