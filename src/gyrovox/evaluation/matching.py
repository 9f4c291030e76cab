"""Which label stands for which class: labels of a clustering have no names of their own."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def match(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Give each class at most one label, so that the sum of the scores is largest.

    Args:
        scores: What a label is worth for a class, shape (labels, classes), each ≥ 0.

    Returns:
        Row of the label of each class, shape (classes,); -1 for a class without one, because
        there are fewer labels than classes or no label left that is worth anything.

    Source:
        Kuhn (1955), as `scipy.optimize.linear_sum_assignment`.
        https://doi.org/10.1002/nav.3800020109
    """
    rows, columns = linear_sum_assignment(scores, maximize=True)
    matched = np.full(scores.shape[1], -1, dtype=np.intp)
    worth = scores[rows, columns] > 0
    matched[columns[worth]] = rows[worth]
    return matched
