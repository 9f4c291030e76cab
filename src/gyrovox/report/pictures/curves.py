"""Training curves: the loss and its parts, step by step."""

from typing import TYPE_CHECKING

import numpy as np

from gyrovox.errors import PictureError
from gyrovox.io.model_file import read_model
from gyrovox.report.pictures.look import FAINT, MARGIN, TOP, Box, axes_in, page, write
from gyrovox.training import LossCurves, stored_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gyrovox.results import ResultFolder

MODEL = "model.safetensors"
_WIDTH, _HEIGHT, _LEFT, _APART = 3.1, 1.55, 0.55, 0.78  # inches of a panel and around it
_BLUE, _PALE = "#2452a4", "#a9c3e6"
_SMOOTH = 20  # a running mean is over a twentieth of the curve
_SAID = {
    "loss": "loss: what is made small",
    "reconstruction": "reconstruction: log p(x | z), nats a patch",
    "divergence": "divergence: log q(z | x) − log p(z), nats a patch",
    "triplet": "hierarchical triplet loss, latent length",
}


def curves(result: "ResultFolder") -> "Figure":
    """How the loss of the result's model, and its parts, went while it was trained.

    Args:
        result: The result.

    Returns:
        A page with four panels.

    Raises:
        PictureError: If there is no model, or one that does not hold its curves.
        ModelFileError: If the model cannot be read.
    """
    kept = kept_curves(result)
    each = "" if kept.block == 1 else f", means over {kept.block}"
    figure = page(
        2 * MARGIN + 2 * (_LEFT + _WIDTH) + 0.1,
        TOP + 2 * (_HEIGHT + _APART) + 0.2,
        result.name,
        f"training: {kept.steps} steps{each}; dark: running mean",
    )
    for index, (name, values) in enumerate(kept.columns().items()):
        left = MARGIN + _LEFT + index % 2 * (_WIDTH + _LEFT)
        top = TOP + index // 2 * (_HEIGHT + _APART)
        write(figure, left, top, _SAID[name], size=9.0)
        axes = axes_in(figure, Box(left, top + 0.22, _WIDTH, _HEIGHT), bare=False)
        _draw(axes, np.asarray(values), kept)
    return figure


def kept_curves(result: "ResultFolder") -> LossCurves:
    """The curves that the model of a result holds.

    Args:
        result: The result.

    Returns:
        The curves.

    Raises:
        PictureError: If there is no model, or one that does not hold its curves.
        ModelFileError: If the model cannot be read.
    """
    path = result.path / MODEL
    if not path.is_file():
        raise PictureError(
            f"training curves are in the model, and there is no {MODEL} beside the result."
        )
    _, facts = read_model(path)
    try:
        kept = stored_curves(facts.get("curves"))
    except ValueError as error:
        raise PictureError(f"{path}: the training curves in the model are damaged.") from error
    if kept is None or not kept.loss:
        raise PictureError(
            "the model holds no training curves: it was trained by a gyrovox that did not keep "
            "them. Train anew to see them."
        )
    return kept


def _draw(axes: "Axes", values: np.ndarray, kept: LossCurves) -> None:
    steps = (np.arange(len(values)) + 0.5) * kept.block
    axes.plot(steps, values, color=_PALE, linewidth=0.9)
    window = max(1, len(values) // _SMOOTH)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    mean = (sums[window:] - sums[:-window]) / window
    axes.plot(steps[window - 1 :] - (window - 1) / 2 * kept.block, mean, color=_BLUE, linewidth=1.6)
    # The first steps are far above all others, and nobody wants to see only them.
    low, high = np.percentile(values[len(values) // 10 :], (0, 100)).tolist()
    room = max(high - low, 1e-12) * 0.15
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(0, kept.steps)
    axes.set_xlabel("step")
    axes.grid(axis="y", color=FAINT, alpha=0.2, linewidth=0.6)
