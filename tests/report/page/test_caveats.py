"""Caveats: each where it applies, and nowhere else."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.report.page.caveats import caveats
from gyrovox.settings import CATALOGUE, plain_values

DEFAULT = CATALOGUE["default"]


def kinds(subject):
    return [caveat.kind for caveat in caveats(subject)]


def said(subject, kind):
    (caveat,) = [one for one in caveats(subject) if one.kind == kind]
    return f"{caveat.title} {caveat.text}"


@pytest.fixture
def sound(opened):
    """A result that gives no reason to be careful."""
    _, _, subject = opened
    record = {
        **subject.record,
        "inputs": [{"name": "scan.nii.gz"}],
    }
    (k,) = set(subject.trunk.suggested_levels()) & {2}
    levels = {k: subject.levels[k]}
    return replace(subject, record=record, levels=levels, scores={"a": {"mean_dice": 1.0}})


def settings(**changes):
    changed = {name: replace(vars(DEFAULT)[name], **differs) for name, differs in changes.items()}
    return plain_values(replace(DEFAULT, **changed))


def with_record(subject, **facts):
    return replace(subject, record={**subject.record, **facts})


def with_counts(subject, *voxels):
    ((k, rows),) = subject.levels.items()
    changed = (replace(row, voxels=n) for row, n in zip(rows, voxels, strict=True))
    return replace(subject, levels={k: tuple(changed)})


def with_trunk(subject, **differs):
    return replace(subject, trunk=replace(subject.trunk, **differs))


def test_a_sound_result_has_none(sound):
    assert kinds(sound) == []


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("no-truth", lambda one: replace(one, scores={}), "none says that it is right"),
        (
            "few-steps",
            lambda one: with_record(one, settings=settings(training={"steps": 20})),
            "20 steps only. The default is 400. The labels do not depend on it, as the tree was "
            "built on texture",
        ),
        (
            "foreign-model",
            lambda one: with_record(one, model_file="other.safetensors"),
            "came from other.safetensors",
        ),
        ("voxel-size", lambda one: replace(one, voxel_size_nm=None), "Sizes are in voxels"),
        (
            "anisotropic",
            lambda one: replace(one, voxel_size_nm=(6.0, 2.0, 2.0)),
            "3 times as long along z as along y. Distances were measured in nm, but what is "
            "thinner than 6 nm",
        ),
        (
            "mask",
            lambda one: with_counts(replace(one, masked=True), 260, 100),
            "50.0 % of the voxels lie outside",
        ),
        (
            "not-finite",
            lambda one: replace(with_record(one, nan_policy="mean"), not_finite=1200),
            "1,200 values of the image are NaN or infinite. In their place the mean of all others",
        ),
        ("tiles", lambda one: with_record(one, tile=8), "tiles of 8 voxels.*99.8 %"),
        ("small-classes", lambda one: with_counts(one, 700, 20), r"class 1 of 2 \(20 voxels\)"),
        ("empty-classes", lambda one: with_counts(one, 720, 0), "class 1 of 2: nothing was left"),
        (
            "low-contrast",
            lambda one: with_trunk(one, contrasts=np.full(9, 0.2, np.float32)),
            "codes of 2 classes hardly differ.*class 0 of 2 and class 1 of 2",
        ),
        (
            "cleaned",
            lambda one: with_record(one, cleaning={"smallest_nm3": 50.0}),
            "The tree, its sizes and the leaves are those before",
        ),
        (
            "coarse-codes",
            lambda one: with_record(
                one, latents={"dtype": "int8", "largest_distance_error": 0.0123}
            ),
            "int8. They lie up to 0.012",
        ),
        (
            "projected",
            lambda one: with_trunk(one, codes=np.zeros((9, 8), np.float32)),
            "a projection of 8 dimensions",
        ),
        (
            "missing-wedge",
            lambda one: with_record(one, inputs=[{"name": "Tomo.REC"}]),
            "does not say whether it is a tomogram",
        ),
        ("thinned", lambda one: replace(one, steps=(1, 4, 4)), "every 1 × 4 × 4 voxels"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_each_appears_where_it_applies_and_alone(sound, kind, change, words):
    changed = change(sound)
    assert kinds(changed) == [kind]
    assert re.search(words, said(changed, kind), re.IGNORECASE)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: with_record(one, nan_policy="mean"),
        lambda one: with_record(one, tile=64),
        lambda one: with_record(one, cleaning={"smallest_nm3": 0.0, "largest_component": False}),
        lambda one: with_record(one, latents={"dtype": "float32", "largest_distance_error": 0.0}),
        lambda one: replace(one, voxel_size_nm=(2.8, 2.0, 2.0)),
        lambda one: with_record(one, settings=None),
        lambda one: with_counts(one, 656, 64),
    ],
    ids=[
        "a policy that did nothing",
        "one tile",
        "no cleaning",
        "exact codes",
        "nearly isotropic",
        "unknown settings",
        "just large enough",
    ],
)
def test_none_appears_where_it_does_not_apply(sound, change):
    assert kinds(change(sound)) == []


def test_levels_that_the_tree_does_not_suggest_are_named(opened):
    _, _, subject = opened
    suggested = subject.trunk.suggested_levels()
    assert 2 in suggested
    shown = replace(subject, levels={2: subject.levels[2], 5: ()})
    assert 5 not in suggested
    assert "asked-for" in kinds(shown)
    assert "does not suggest 5 classes" in said(shown, "asked-for")


@pytest.mark.parametrize(
    "how", [{"clustering": "kmeans"}, {"evidence": "codes"}], ids=["k-means", "codes"]
)
def test_labels_that_depend_on_the_codes_say_so(sound, how):
    few = settings(training={"steps": 20}, segmentation=how)
    assert "The labels were made of these codes" in said(
        with_record(sound, settings=few), "few-steps"
    )


def test_levels_of_kmeans_are_not_nested(opened):
    _, _, subject = opened
    flat = replace(subject, trunk=None)
    assert "may straddle" in said(flat, "not-nested")
    assert "not-nested" not in kinds(replace(flat, levels={2: subject.levels[2]}))


def test_of_many_classes_only_some_are_named(sound):
    ((k, rows),) = sound.levels.items()
    many = tuple(replace(rows[0], label=i, node=None, voxels=3) for i in range(40))
    text = said(replace(sound, levels={k: many}), "small-classes")
    assert "40 classes have fewer than 64 voxels" in text
    assert "and 32 more" in text
    assert "class 9" not in text
