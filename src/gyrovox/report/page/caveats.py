"""How sure is this: what a reader must know of a result, as far as it follows from the result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

from gyrovox.report.page.quantities import counted, listed, percent
from gyrovox.report.page.subject import Subject

_FEW_STEPS = 200
_SMALL = 64  # voxels; on phantoms half of the objects of 30 voxels are missed
_ANISOTROPIC = 1.5
_MOST_NAMED = 8
_MRC = (".mrc", ".rec", ".map", ".st", ".ali", ".mrcs")


@final
@dataclass(frozen=True)
class Caveat:
    """One reason to be careful."""

    kind: str
    """What it is about, in a word or two joined by ``-``."""

    title: str
    """It in a line."""

    text: str
    """What follows from it, and what can be done."""


def caveats(subject: Subject) -> tuple[Caveat, ...]:
    """What a reader must know of a result.

    Args:
        subject: The result.

    Returns:
        Those reasons to be careful that this result gives, the weightiest first.
    """
    return tuple(caveat for rule in _RULES for caveat in rule(subject))


def _no_truth(subject: Subject) -> Iterator[Caveat]:
    if not subject.scores:
        yield Caveat(
            "no-truth",
            "Nothing here was compared with a truth.",
            "Every number on this page describes the segmentation; none says that it is right. "
            "Where you have labels of your own, gyrovox report --truth adds the comparison.",
        )


def _few_steps(subject: Subject) -> Iterator[Caveat]:
    configuration = subject.configuration
    if configuration is None or configuration.training.steps >= _FEW_STEPS:
        return
    how = configuration.segmentation
    if how.clustering == "tree" and how.evidence != "codes":
        consequence = (
            f"The labels do not depend on it, as the tree was built on {how.evidence}. What is "
            f"said of codes does: the disk, spread and contrast."
        )
    else:
        consequence = "The labels were made of these codes. Train for longer before you trust them."
    yield Caveat(
        "few-steps",
        f"The model learned for {counted(configuration.training.steps, 'step')} only.",
        f"The default is 400. {consequence}",
    )


def _foreign_model(subject: Subject) -> Iterator[Caveat]:
    model = subject.record.get("model_file")
    if model:
        yield Caveat(
            "foreign-model",
            f"The model was not trained in this run, but came from {model}.",
            "What it was trained on is not recorded here. Codes of a volume that looks different "
            "mean less.",
        )


def _unknown_size(subject: Subject) -> Iterator[Caveat]:
    if subject.voxel_size_nm is None:
        yield Caveat(
            "voxel-size",
            "The size of a voxel is unknown.",
            "The file does not say it. Sizes are in voxels, and voxels were taken to be as long "
            "along each axis.",
        )


def _anisotropic(subject: Subject) -> Iterator[Caveat]:
    if subject.voxel_size_nm is None:
        return
    sizes = dict(zip("zyx", subject.voxel_size_nm, strict=True))
    longest, shortest = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    ratio = sizes[longest] / sizes[shortest]
    if ratio >= _ANISOTROPIC:
        yield Caveat(
            "anisotropic",
            f"Voxels are {ratio:.3g} times as long along {longest} as along {shortest}.",
            f"Distances were measured in nm, but what is thinner than {sizes[longest]:.3g} nm "
            f"along {longest} is not resolved there, and boundaries are as coarse.",
        )


def _outside(subject: Subject) -> Iterator[Caveat]:
    if not subject.masked:
        return
    z, y, x = subject.shape
    inside = max((sum(row.voxels for row in rows) for rows in subject.levels.values()), default=0)
    yield Caveat(
        "mask",
        f"{percent(1 - inside / (z * y * x))} of the voxels lie outside the mask.",
        "They have label 0 and were not looked at. Shares are those of the voxels inside.",
    )


def _replaced(subject: Subject) -> Iterator[Caveat]:
    policy = subject.record.get("nan_policy")
    if subject.not_finite and policy in {"zero", "mean"}:
        value = "0" if policy == "zero" else "the mean of all others"
        yield Caveat(
            "not-finite",
            f"{counted(subject.not_finite, 'value')} of the image "
            f"{'is' if subject.not_finite == 1 else 'are'} NaN or infinite.",
            f"In their place {value} was taken (nan_policy {policy}); labels there and next to "
            f"them mean nothing.",
        )


def _tiles(subject: Subject) -> Iterator[Caveat]:
    side = subject.record.get("tile")
    if isinstance(side, int) and max(subject.shape) > side:
        yield Caveat(
            "tiles",
            f"The volume was worked on in tiles of {side} voxels a side.",
            "Regions near the faces of tiles may differ from those of the whole volume. On four "
            "phantoms of 150³ voxels, cuts into 8 classes agreed in 99.8 % of the voxels; for "
            "this volume it was not measured.",
        )


def _not_nested(subject: Subject) -> Iterator[Caveat]:
    if subject.trunk is None and len(subject.levels) > 1:
        yield Caveat(
            "not-nested",
            "The levels are not nested.",
            "Each was clustered by k-means on its own, so a class of one level may straddle "
            "several of a coarser one, and there is no tree.",
        )


def _small(subject: Subject) -> Iterator[Caveat]:
    named = [
        f"class {row.label} of {k} ({counted(row.voxels, 'voxel')})"
        for k, rows in subject.levels.items()
        for row in rows
        if 0 < row.voxels < _SMALL
    ]
    if named:
        yield Caveat(
            "small-classes",
            f"{counted(len(named), 'class')} {'has' if len(named) == 1 else 'have'} fewer than "
            f"{_SMALL} voxels.",
            f"{_some(named)}. On phantoms half of the objects of 30 voxels are missed; so small a "
            f"class may as well be noise.",
        )


def _empty(subject: Subject) -> Iterator[Caveat]:
    named = [
        f"class {row.label} of {k}"
        for k, rows in subject.levels.items()
        for row in rows
        if row.voxels == 0
    ]
    if named:
        yield Caveat(
            "empty-classes",
            f"{counted(len(named), 'class')} {'has' if len(named) == 1 else 'have'} no voxel.",
            f"{_some(named)}: nothing was left once specks and holes were cleaned.",
        )


def _alike(subject: Subject) -> Iterator[Caveat]:
    trunk = subject.trunk
    if trunk is None:
        return
    named = [
        f"class {row.label} of {k}"
        for k, rows in subject.levels.items()
        for row in rows
        if row.node not in {None, len(trunk.parents) - 1}
        and trunk.contrasts[row.node] < trunk.spreads[row.node]
    ]
    if named:
        yield Caveat(
            "low-contrast",
            f"The codes of {counted(len(named), 'class')} hardly differ from those of what "
            f"{'it' if len(named) == 1 else 'they'} split from.",
            f"{_some(named)}: nearer to the sibling's mean code than their own voxels are to "
            f"theirs (contrast below spread). What tells them apart is not in the codes.",
        )


def _asked_for(subject: Subject) -> Iterator[Caveat]:
    if subject.trunk is None:
        return
    suggested = subject.trunk.suggested_levels()
    others = [k for k in subject.levels if k not in suggested]
    if others:
        yield Caveat(
            "asked-for",
            f"The tree does not suggest {listed([str(k) for k in others])} classes.",
            f"They were asked for. The cuts that last longest are those into "
            f"{listed([str(k) for k in suggested])} classes (--levels auto).",
        )


def _cleaned(subject: Subject) -> Iterator[Caveat]:
    cleaning = subject.record.get("cleaning")
    if isinstance(cleaning, dict) and any(cleaning.values()):
        yield Caveat(
            "cleaned",
            "Specks and holes were cleaned away.",
            "The levels are those of the files. The tree, its sizes and the leaves are those "
            "before the cleaning."
            if subject.trunk is not None
            else "What was removed is not recorded.",
        )


def _stored_coarsely(subject: Subject) -> Iterator[Caveat]:
    latents = subject.record.get("latents")
    error = latents.get("largest_distance_error") if isinstance(latents, dict) else None
    if isinstance(latents, dict) and isinstance(error, int | float) and error > 0:
        yield Caveat(
            "coarse-codes",
            f"Codes are kept as {latents.get('dtype')}.",
            f"They lie up to {error:.2g} from where they were; labels were made before that.",
        )


def _projected(subject: Subject) -> Iterator[Caveat]:
    if subject.trunk is not None and subject.trunk.codes.shape[1] > 2:
        yield Caveat(
            "projected",
            f"The disk is a projection of {subject.trunk.codes.shape[1]} dimensions.",
            "It shows the two in which the codes spread most; what lies near by there may be far "
            "apart.",
        )


def _how_recorded(subject: Subject) -> Iterator[Caveat]:
    names = [str(one.get("name", "")).lower() for one in subject.inputs]
    if any(name.endswith(_MRC) for name in names):
        yield Caveat(
            "missing-wedge",
            "An MRC file does not say whether it is a tomogram with a missing wedge.",
            "If it is one, surfaces across the beam are faint or absent in it, and so they are "
            "in the classes: nothing here makes up for that.",
        )


def _thinned(subject: Subject) -> Iterator[Caveat]:
    if max(subject.steps) > 1:
        steps = " × ".join(str(step) for step in subject.steps)
        yield Caveat(
            "thinned",
            f"The pictures show every {steps} voxels (z × y × x).",
            "What is smaller may be missing in them. The files and the counts are complete.",
        )


def _some(named: list[str]) -> str:
    """The first few of some classes, as a sentence begins."""
    rest = len(named) - _MOST_NAMED
    shown = listed(named) if rest <= 0 else f"{', '.join(named[:_MOST_NAMED])} and {rest} more"
    return shown[0].upper() + shown[1:]


_RULES: tuple[Callable[[Subject], Iterator[Caveat]], ...] = (
    _no_truth,
    _few_steps,
    _foreign_model,
    _unknown_size,
    _anisotropic,
    _outside,
    _replaced,
    _tiles,
    _not_nested,
    _small,
    _empty,
    _alike,
    _asked_for,
    _cleaned,
    _stored_coarsely,
    _projected,
    _how_recorded,
    _thinned,
)
