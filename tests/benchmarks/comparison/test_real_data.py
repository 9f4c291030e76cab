"""Scores of labels on real volumes."""

import numpy as np
import pytest
from benchmarks.quality.comparison.real_data import (
    DATA,
    FEW,
    MANY,
    Brain,
    Instances,
    Measure,
    NeuronsOfFlies,
)
from skimage.metrics import adapted_rand_error, variation_of_information

NEEDS_DATA = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")


class TwoCells(Instances):
    """Two cells that do not touch, and what lies around them."""

    measures = (Measure("ARI"),)

    def _truths(self):
        truth = np.zeros((6, 6, 6), np.int64)
        truth[1:5, 1:5, 1] = 1
        truth[1:5, 1:5, 4] = 2
        return [truth]


def test_one_class_of_many_objects_is_right_once_it_is_split():
    data = TwoCells()
    labels = (data._truths()[0] > 0).astype(np.int64)
    (found,) = data.scores({2: labels})
    assert found.value == pytest.approx(1.0)
    assert found.how == "parts of k = 2"


def test_the_best_number_of_classes_is_taken():
    data = TwoCells()
    (found,) = data.scores({2: np.zeros((6, 6, 6), np.int64), 3: data._truths()[0]})
    assert found.value == pytest.approx(1.0)
    assert "k = 3" in found.how


def test_neurons_are_scored_as_scikit_image_does():
    chance = np.random.default_rng(0)
    truth, labels = chance.integers(0, 5, (4, 5, 6)), chance.integers(0, 3, (4, 5, 6))
    entropies, error = NeuronsOfFlies()._found(labels, [truth], "k = 3")
    split, merged = variation_of_information(truth, labels)
    assert entropies.value == pytest.approx(split + merged)
    assert entropies.how == f"k = 3; {split:.2f} split, {merged:.2f} merged"
    expected = adapted_rand_error(truth, labels, ignore_labels=())[0]
    assert error.value == pytest.approx(expected)


def test_neurons_in_pieces_are_split_and_not_merged():
    truth = np.zeros((4, 4, 4), np.int64)
    pieces = np.arange(64).reshape(4, 4, 4) % 2
    entropies, _ = NeuronsOfFlies()._found(pieces, [truth], "k = 2")
    assert entropies.how == "k = 2; 1.00 split, 0.00 merged"


def test_only_regions_are_asked_for_many_classes():
    assert TwoCells().levels(regions=False) == FEW
    assert TwoCells().levels(regions=True) == FEW + MANY


@NEEDS_DATA
def test_every_structure_of_the_brain_lies_in_one_part():
    known = [one for part in Brain.PARTS for one in part]
    assert len(known) == len(set(known))
    brain = Brain()
    assert set(np.unique(brain.read("aseg.nii.gz")).astype(int)) <= set(known)
    assert list(brain._truths()) == [2, 5, 46]
