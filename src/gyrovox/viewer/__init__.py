"""The explorer: a local server for a linked view of slices, latent disk and tree."""

from gyrovox.viewer.application import explorer as explorer
from gyrovox.viewer.server import ExplorerServer as ExplorerServer
