"""An average of sub-volumes on a page."""

import numpy as np
import pytest

from gyrovox.particles.averaging import Average
from gyrovox.report.pictures.averages import average_page
from gyrovox.tomography.fourier_shell import FourierShellCorrelation
from gyrovox.volumes import ParticleTable


def curve(values):
    return FourierShellCorrelation(
        frequencies=np.linspace(0, 0.5, 5), correlations=np.array(values), counts=np.ones(5)
    )


@pytest.fixture
def average():
    draw = np.random.default_rng(0)
    volume = draw.normal(size=(8, 8, 8)).astype(np.float32)
    mask = np.zeros((8, 8, 8), np.float32)
    mask[2:6, 2:6, 2:6] = 1
    return Average(
        volume=volume,
        halves=np.stack([volume, volume]),
        mask=mask,
        correlation=curve([1.0, 0.9, 0.6, 0.1, 0.0]),
        particles=ParticleTable(positions=np.zeros((3, 3)), shape=(9, 9, 9), voxel_size_nm=2.0),
        second=np.array([True, False, True]),
        voxel_size_nm=2.0,
    )


def test_it_shows_three_slices_with_dense_matter_dark(average, drawn):
    figure = average_page(average, name="spikes")
    drawn(figure)
    slices = [axes for axes in figure.axes if axes.images]
    assert len(slices) == 3
    for axes, axis in zip(slices, (2, 1, 0), strict=True):
        shown = axes.images[0]
        np.testing.assert_array_equal(shown.get_array(), -np.take(average.volume, 4, axis=axis))
        assert shown.origin == "lower"


def test_it_draws_the_curves_over_frequency_in_nm(average):
    figure = average_page(average, name="spikes", beside={"template": curve([1, 1, 0.8, 0.4, 0.2])})
    (axes,) = (axes for axes in figure.axes if not axes.images)
    halves, template = axes.lines[:2]
    np.testing.assert_allclose(halves.get_xdata(), [0.0625, 0.125, 0.1875, 0.25])
    np.testing.assert_allclose(halves.get_ydata(), [0.9, 0.6, 0.1, 0.0])
    np.testing.assert_allclose(template.get_ydata(), [1, 0.8, 0.4, 0.2])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["halves", "template"]


def test_it_says_how_many_and_how_well(average, said):
    text = said(average_page(average, name="spikes"))
    assert "spikes" in text
    assert "3 particles; 5.49 nm at 0.143, 7.27 nm at 0.5" in text
