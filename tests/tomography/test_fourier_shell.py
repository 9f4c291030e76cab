import numpy as np
import pytest

from gyrovox.errors import VolumeMismatchError
from gyrovox.tomography.fourier_shell import FourierShellCorrelation, fourier_shell_correlation
from gyrovox.tomography.missing_wedge import wedge_mask


def reference_correlation(first, second, shell):
    """One shell, from the definition, over the whole complex transform."""
    step = 1 / max(first.shape)
    grid = np.meshgrid(*(np.fft.fftfreq(n) for n in first.shape), indexing="ij")
    chosen = np.rint(np.sqrt(sum(axis**2 for axis in grid)) / step) == shell
    one, other = (np.fft.fftn(volume - volume.mean())[chosen] for volume in (first, second))
    return (one * other.conj()).sum().real / np.sqrt(
        (np.abs(one) ** 2).sum() * (np.abs(other) ** 2).sum()
    )


@pytest.mark.parametrize("shape", [(12, 12, 12), (8, 11, 13), (9, 10, 12)])
def test_each_shell_agrees_with_the_definition(shape):
    generator = np.random.default_rng(0)
    first = generator.standard_normal(shape)
    second = first + generator.standard_normal(shape)
    found = fourier_shell_correlation(first, second)
    for shell in range(1, len(found.correlations)):
        wanted = reference_correlation(first, second, shell)
        assert found.correlations[shell] == pytest.approx(wanted, abs=1e-10)


def test_a_volume_agrees_with_itself_and_not_with_noise():
    generator = np.random.default_rng(1)
    first, second = generator.standard_normal((2, 24, 24, 24))
    same = fourier_shell_correlation(first, 3 * first + 2)
    np.testing.assert_allclose(same.correlations[1:], 1.0)
    other = fourier_shell_correlation(first, second)
    assert np.abs(other.correlations[6:]).max() < 0.15


def test_what_no_image_has_seen_counts_nothing():
    generator = np.random.default_rng(2)
    first = generator.standard_normal((16, 16, 16))
    mask = wedge_mask((16, 16, 16), (-60.0, 60.0))
    outside = np.fft.irfftn(np.fft.rfftn(generator.standard_normal(first.shape)) * (mask == 0))
    found = fourier_shell_correlation(first, first + outside, weights=mask)
    np.testing.assert_allclose(found.correlations[1:], 1.0, atol=1e-6)
    assert fourier_shell_correlation(first, first + outside).correlations[5] < 0.95


def test_a_mask_hides_what_differs():
    generator = np.random.default_rng(3)
    first = generator.standard_normal((16, 16, 16))
    second = first.copy()
    second[:8] = generator.standard_normal((8, 16, 16))
    mask = np.zeros(first.shape)
    mask[8:] = 1.0
    assert fourier_shell_correlation(first, second, mask=mask).correlations[2:].min() > 0.99
    assert fourier_shell_correlation(first, second).correlations[5] < 0.9


def test_resolution_lies_between_two_shells():
    fsc = FourierShellCorrelation(
        frequencies=np.array([0.0, 0.1, 0.2, 0.3, 0.4]),
        correlations=np.array([1.0, 0.4, 0.9, 0.4, 0.1]),
        counts=np.ones(5),
    )
    # Shell 1 alone falls below by chance.
    assert fsc.resolution(0.5) == pytest.approx(0.28)
    assert fsc.resolution(0.05) == pytest.approx(0.4)
    assert fsc.resolution(0.143) == pytest.approx(0.3 + 0.1 * 0.257 / 0.3)


def test_volumes_of_different_shapes_are_refused():
    one = np.zeros((4, 4, 4))
    with pytest.raises(VolumeMismatchError, match=r"must have one shape, got \(4, 4, 4\) and"):
        fourier_shell_correlation(one, np.zeros((4, 4, 5)))
    with pytest.raises(VolumeMismatchError, match=r"laid out as rfftn does, shape \(4, 4, 3\)"):
        fourier_shell_correlation(one, one, weights=np.ones((4, 4, 4), np.float32))
