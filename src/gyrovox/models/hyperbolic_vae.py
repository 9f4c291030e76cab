"""The variational autoencoder of patches whose codes live on the ball."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from gyrovox.distributions import CodeDistribution, Normal, RiemannianNormal, WrappedNormal
from gyrovox.geometry import Euclidean, Manifold, manifold
from gyrovox.models.decoder import (
    PatchDecoder,
    UpConvolutions,
    parameters_per_voxel,
    voxel_distribution,
)
from gyrovox.models.encoder import DenseEncoder, PatchEncoder
from gyrovox.models.posterior import Posterior
from gyrovox.models.volume_decoder import VolumeDecoder
from gyrovox.settings import ModelSettings


@final
class HyperbolicVAE(nn.Module):
    """An encoder of patches, posteriors of their codes, and a decoder that begins with gyroplanes.

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
        dim, hidden, widths = settings.latent_dim, settings.hidden, settings.channels
        self.encoder: DenseEncoder | PatchEncoder
        if settings.encoder == "dense":
            self.encoder = DenseEncoder(in_channels, widths, settings.dilations, dim)
        else:
            self.encoder = PatchEncoder(in_channels, widths, hidden, dim)
        self.decoder = _decoder(self.manifold, settings, in_channels)

    def distribution(self, posterior: Posterior) -> CodeDistribution:
        """The distribution q(z | x) on codes that a posterior's parameters stand for.

        Of the family that the settings name. In flat space both families are the normal.
        """
        mean_code, scale = posterior.mean_code, posterior.scale
        # Not validated: what is not finite shows in the loss, which says what to do about it.
        if isinstance(self.manifold, Euclidean):
            return Normal(mean_code, scale, validate_args=False)
        riemannian = self.settings.posterior == "riemannian-normal"
        family = RiemannianNormal if riemannian else WrappedNormal
        return family(mean_code, scale, manifold=self.manifold, validate_args=False)

    def prior(self, like: Float[Tensor, "*batch dim"]) -> CodeDistribution:
        """The distribution p(z): that of the posteriors' family about the origin, of scale 1.

        Args:
            like: Codes whose dimension, type and device it takes, shape ``(*batch, dim)``.

        Returns:
            A distribution of batch shape ``()``.
        """
        standard = Posterior(like.new_zeros(like.shape[-1]), like.new_ones(1))
        return self.distribution(standard)

    def decode(self, codes: Float[Tensor, "batch *sides dim"]) -> Distribution:
        """The distribution p(x | z) of patches.

        Args:
            codes: Shape ``(batch, dim)``; of latent volumes ``(batch, side, side, side, dim)``.

        Returns:
            A distribution of batch shape ``(batch, channels, size, size, size)``.
        """
        return voxel_distribution(self.decoder(codes), self.settings.likelihood)


def _decoder(
    space: Manifold, settings: ModelSettings, in_channels: int
) -> UpConvolutions | PatchDecoder | VolumeDecoder:
    """The decoder of single points, of latent volumes, or the published one."""
    out_channels = in_channels * parameters_per_voxel(settings.likelihood)
    if settings.latent_side > 1:
        return VolumeDecoder(space, settings, out_channels)
    dim, hidden, first_layer = settings.latent_dim, settings.hidden, settings.first_layer
    if settings.encoder == "dense":
        widths = settings.decoder_channels
        return UpConvolutions(space, dim, hidden, widths, out_channels, first_layer=first_layer)
    widths = settings.channels
    return PatchDecoder(space, dim, hidden, widths, out_channels, first_layer=first_layer)
