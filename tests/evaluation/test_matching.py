from itertools import permutations

import numpy as np
import pytest

from gyrovox.evaluation import match


def best_sum(scores):
    """The largest sum over all one-to-one matchings, by trying them all."""
    labels, classes = scores.shape
    if labels < classes:
        return best_sum(scores.T)
    return max(
        sum(scores[row, column] for column, row in enumerate(rows))
        for rows in permutations(range(labels), classes)
    )


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (4, 4), (6, 3), (5, 6)], ids=str)
def test_no_permutation_is_better(shape, rng):
    for _ in range(20):
        scores = rng.random(shape)
        matched = match(scores)
        found = matched >= 0
        assert len(set(matched[found])) == found.sum() == min(shape)
        assert scores[matched[found], np.nonzero(found)[0]].sum() == pytest.approx(best_sum(scores))


def test_a_class_that_no_label_touches_stays_without():
    assert match(np.array([[0.9, 0.0], [0.5, 0.0]])).tolist() == [0, -1]
