"""Soft assignments and their targets are those of deep embedded clustering."""

import numpy as np
import pytest
import torch
from benchmarks.quality.networks.soft_assignment import ClusteringLayer, divergence, sharpened
from scipy import stats

CODES = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
CENTRES = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


def test_assignments_follow_student_with_one_degree_of_freedom():
    with torch.no_grad():
        found = ClusteringLayer(CENTRES)(CODES)
    distances = torch.cdist(CODES, CENTRES).double().numpy()
    density = stats.t(df=1).pdf(distances)
    np.testing.assert_allclose(found, density / density.sum(1, keepdims=True), rtol=1e-4)


def test_targets_of_clusters_alike_in_size_are_squares():
    assignments = torch.tensor([[0.8, 0.2], [0.2, 0.8]])
    expected = torch.tensor([[0.64, 0.04], [0.04, 0.64]]) / 0.68
    torch.testing.assert_close(sharpened(assignments), expected)


def test_targets_favour_small_clusters():
    assignments = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.9, 0.1]])
    # Frequencies are 2.3 and 0.7, and both squares of the first row are equal.
    assert sharpened(assignments)[0, 1].item() == pytest.approx(2.3 / 3.0)


def test_divergence_is_that_of_scipy_and_0_at_the_target():
    layer = ClusteringLayer(CENTRES)
    with torch.no_grad():
        assignments = layer(CODES)
        target = sharpened(assignments)
        expected = stats.entropy(target, assignments, axis=1).mean()
        assert divergence(target, assignments).item() == pytest.approx(expected, rel=1e-3)
        assert divergence(target, target).item() == pytest.approx(0, abs=1e-6)
