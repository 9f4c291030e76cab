"""What an encoder says of a patch: where its code is, and how sure that is."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

# A posterior that is a point would have an infinite density; this is far below any that is learned.
SMALLEST_SCALE = 1e-4


@final
@dataclass(frozen=True)
class Posterior:
    """Parameters of q(z | x), one for every patch.

    Args:
        mean_code: Codes of the means, shape ``(*batch, dim)``.
        scale: Scales of the family of the settings, lengths in latent space > 0, shape
            ``(*batch, 1)``: standard deviations, in the limit of flat space of all families.
    """

    mean_code: Float[Tensor, "*batch dim"]
    scale: Float[Tensor, "*batch 1"]


def positive(raw: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Standard deviations from any real numbers: softplus, and at least `SMALLEST_SCALE`."""
    return nn.functional.softplus(raw) + SMALLEST_SCALE
