import numpy as np
import pytest
from skimage.metrics import variation_of_information as reference_variation
from sklearn.metrics import adjusted_rand_score

from gyrovox.evaluation import (
    adjusted_rand,
    conditional_entropies,
    contingency,
    variation_of_information,
)


@pytest.mark.parametrize(("labels", "classes"), [(2, 2), (8, 3), (3, 8), (1, 4), (4, 1)])
def test_partitions_agree_with_scikit(labels, classes, rng):
    one = rng.integers(0, labels, (7, 8, 9))
    two = np.where(rng.random(one.shape) < 0.6, one % classes, rng.integers(0, classes, one.shape))
    table = contingency(one, two)
    assert adjusted_rand(table) == pytest.approx(adjusted_rand_score(two.ravel(), one.ravel()))
    # scikit-image gives (H(second | first), H(first | second)).
    merged, split = reference_variation(one, two)
    assert conditional_entropies(table) == pytest.approx((split, merged))
    assert variation_of_information(table) == pytest.approx(split + merged)


def test_equal_partitions_under_other_names(rng):
    one = rng.integers(0, 5, 1000)
    table = contingency(one, 10 - one)
    assert adjusted_rand(table) == 1.0
    assert variation_of_information(table) == pytest.approx(0.0, abs=1e-12)


def test_splitting_a_class_in_halves_costs_one_bit_of_split_only():
    split, merged = conditional_entropies(contingency(np.array([0, 1, 0, 1]), np.zeros(4, int)))
    assert (split, merged) == pytest.approx((1.0, 0.0))


def test_random_labels_have_no_adjusted_agreement(rng):
    one, two = rng.integers(0, 4, (2, 100_000))
    assert adjusted_rand(contingency(one, two)) == pytest.approx(0.0, abs=1e-3)
