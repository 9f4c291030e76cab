"""The variational autoencoder of patches whose codes live on the ball."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from gyrovox.distributions import WrappedNormal
from gyrovox.geometry import manifold
from gyrovox.models.decoder import (
    PatchDecoder,
    UpConvolutions,
    parameters_per_voxel,
    voxel_distribution,
)
from gyrovox.models.encoder import DenseEncoder, PatchEncoder
from gyrovox.models.posterior import Posterior
from gyrovox.settings import ModelSettings


@final
class HyperbolicVAE(nn.Module):
    """An encoder of patches, wrapped normal posteriors, and a decoder that begins with gyroplanes.

    Args:
        settings: What the network is.
        in_channels: Channels of the volumes.

    Source:
        Hsu et al. (2021); Mathieu et al. (2019). https://arxiv.org/abs/2012.01644
    """

    def __init__(self, settings: ModelSettings, *, in_channels: int) -> None:
        super().__init__()
        self.settings = settings
        self.in_channels = in_channels
        self.manifold = manifold(settings.geometry, curvature=settings.curvature)
        out_channels = in_channels * parameters_per_voxel(settings.likelihood)
        dim, hidden, widths = settings.latent_dim, settings.hidden, settings.channels
        self.encoder: DenseEncoder | PatchEncoder
        self.decoder: UpConvolutions | PatchDecoder
        if settings.encoder == "dense":
            self.encoder = DenseEncoder(in_channels, widths, settings.dilations, dim)
            self.decoder = UpConvolutions(
                self.manifold, dim, hidden, settings.decoder_channels, out_channels
            )
        else:
            self.encoder = PatchEncoder(in_channels, widths, hidden, dim)
            self.decoder = PatchDecoder(self.manifold, dim, hidden, widths, out_channels)

    def distribution(self, posterior: Posterior) -> WrappedNormal:
        """The distribution q(z | x) on codes that a posterior's parameters stand for."""
        return WrappedNormal(posterior.mean_code, posterior.scale, manifold=self.manifold)

    def prior(self, like: Float[Tensor, "*batch dim"]) -> WrappedNormal:
        """The distribution p(z): centred at the origin with scale 1, of the type of ``like``."""
        origin = like.new_zeros(like.shape[-1])
        return WrappedNormal(origin, like.new_ones(1), manifold=self.manifold)

    def decode(self, codes: Float[Tensor, "batch dim"]) -> Distribution:
        """The distribution p(x | z) of patches ``(batch, channels, size, size, size)``."""
        return voxel_distribution(self.decoder(codes), self.settings.likelihood)
