"""Codes in two dimensions."""

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from gyrovox.errors import MissingExtraError, PictureError
from gyrovox.report.pictures import projection, voxel_codes
from gyrovox.report.pictures.projection import (
    hyperboloid_to_disk,
    principal_components,
    umap_layouts,
)


def test_principal_components_are_the_eigenvectors_of_the_covariance():
    vectors = np.random.default_rng(0).normal(0, [3, 1, 2, 0.1], (200, 4))
    points, shares = principal_components(vectors)
    values, axes = np.linalg.eigh(np.cov(vectors.T))
    expected = (vectors - vectors.mean(axis=0)) @ axes[:, :-3:-1]
    np.testing.assert_allclose(np.abs(points), np.abs(expected), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shares, values[:-3:-1] / values.sum())


def test_the_disk_keeps_the_distances_of_the_hyperboloid():
    points = np.random.default_rng(0).normal(0, 2, (30, 2))
    height = np.sqrt(1 + np.square(points).sum(axis=1))
    expected = np.arccosh(height[1:] * height[0] - points[1:] @ points[0])
    x, y = hyperboloid_to_disk(points)[1:], hyperboloid_to_disk(points)[:1]
    room = (1 - np.square(x).sum(axis=1)) * (1 - np.square(y).sum())
    found = np.arccosh(1 + 2 * np.square(x - y).sum(axis=1) / room)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


class StandInUmap:
    """The first two coordinates, and what it was asked for."""

    asked: ClassVar[list] = []

    def __init__(self, **options):
        self.asked.append(options)

    def fit_transform(self, vectors):
        return 3 * vectors[:, :2]


@pytest.fixture
def umap(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=StandInUmap))
    StandInUmap.asked.clear()
    return StandInUmap


def test_umap_lays_out_in_the_plane_and_on_the_hyperboloid(umap):
    vectors = np.random.default_rng(0).normal(size=(40, 5))
    layouts = umap_layouts(vectors, seed=7)
    assert [one["output_metric"] for one in umap.asked] == ["euclidean", "hyperboloid"]
    assert {(one["random_state"], one["n_components"]) for one in umap.asked} == {(7, 2)}
    flat, round_ = layouts.values()
    np.testing.assert_allclose(flat, 3 * vectors[:, :2], rtol=1e-6)
    np.testing.assert_allclose(round_, hyperboloid_to_disk(flat))


@pytest.mark.usefixtures("umap")
def test_a_page_has_a_panel_for_each_layout(result, codes, one, said, drawn):
    figure = projection(result, one, codes, by_umap=True)
    assert "UMAP in the Poincaré disk" in said(figure)
    assert len(figure.axes) == 3
    drawn(figure)
    assert len(projection(result, one, codes).axes) == 1


def test_codes_of_64_dimensions_are_projected(result, one, codes, drawn, said):
    wide = np.random.default_rng(0).normal(size=(len(codes), 64)).astype(np.float32)
    figure = projection(result, one, replace(codes, codes=wide))
    drawn(figure)
    assert "3000 codes, drawn from every voxel" in said(figure)


def test_without_umap_it_says_which_extra_to_install(result, one, codes, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"Install gyrovox\[umap\]"):
        projection(result, one, codes, by_umap=True)


def test_codes_of_one_dimension_are_refused(result, one, place_codes):
    with pytest.raises(PictureError, match=r"2 dimensions are needed .* of 1 came"):
        projection(result, one, voxel_codes(result, place_codes(1)))
