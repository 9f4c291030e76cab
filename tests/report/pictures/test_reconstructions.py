"""What the decoder makes of codes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gyrovox.errors import PictureError
from gyrovox.geometry import codes as hyperbolic_codes
from gyrovox.models import HyperbolicVAE
from gyrovox.report.pictures import level, reconstructions
from gyrovox.report.pictures.reconstructions import decoded_slices, geodesic_codes
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import CATALOGUE


@pytest.mark.parametrize("curvature", [-1.0, -0.3])
def test_codes_along_a_geodesic_are_equally_far_apart(curvature):
    start, end = np.array([0.4, -0.2, 0.3]), np.array([-0.5, 0.1, 0.6])
    way = torch.from_numpy(geodesic_codes(start, end, 7, curvature=curvature))
    steps = hyperbolic_codes.distance(way[:-1], way[1:], curvature=curvature)
    whole = hyperbolic_codes.distance(way[0], way[-1], curvature=curvature)
    np.testing.assert_allclose(steps, whole / 6, rtol=1e-6)  # so it is the shortest way
    np.testing.assert_array_equal(way[0], start)
    np.testing.assert_array_equal(way[-1], end)


def test_in_flat_space_the_way_is_straight():
    way = geodesic_codes(np.array([0.0, 1.0]), np.array([2.0, 5.0]), 3, curvature=0.0)
    np.testing.assert_allclose(way, [[0, 1], [1, 3], [2, 5]])


def test_slices_are_the_middles_of_the_decoders_means(segmenter):
    codes = np.random.default_rng(0).normal(0, 0.5, (130, 2))
    found = decoded_slices(segmenter, codes)
    with torch.no_grad():
        whole = segmenter.vae_.decode(torch.from_numpy(codes.astype(np.float32))).mean
    assert found.shape == (130, 3, 3)
    np.testing.assert_allclose(found, whole[:, 0, 1].numpy(), rtol=1e-5, atol=1e-6)


def test_a_latent_volume_is_one_code_everywhere():
    settings = replace(CATALOGUE["volumetric"].model, channels=(4, 4, 4), hidden=6)
    whole = replace(CATALOGUE["volumetric"], model=settings)
    segmenter = HierarchicalSegmenter(whole, device="cpu", quiet=True)
    segmenter.vae_ = HyperbolicVAE(settings, in_channels=1).eval()
    assert decoded_slices(segmenter, np.array([[0.1, 0.2]])).shape == (1, 9, 9)


def test_the_disk_is_filled_with_patches_and_a_geodesic_runs_below(
    result, one, segmenter, said, drawn
):
    figure = reconstructions(result, one, segmenter)
    words = said(figure)
    assert "decoded patches of 3³ voxels" in words
    assert "along the geodesic from class 1 to class 2" in words
    patches = figure.axes[0].images
    assert 100 < len(patches) < 225
    middles = np.array([np.reshape(one.get_extent(), (2, 2)).mean(axis=1) for one in patches])
    assert np.linalg.norm(middles, axis=1).max() < 1
    assert len(figure.axes) == 1 + 9
    drawn(figure)


def test_any_two_nodes_may_be_the_ends(result, one, segmenter, said):
    words = said(reconstructions(result, one, segmenter, ends=(0, one.nodes[2])))
    assert "from node 1 to class 3" in words


def test_one_class_is_no_way(result, segmenter):
    with pytest.raises(PictureError, match="needs two nodes to run between"):
        reconstructions(result, level(result.trunk, 1), segmenter)
