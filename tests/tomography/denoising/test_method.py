import inspect

import pytest

from gyrovox.tomography import denoising
from gyrovox.tomography.denoising import Denoiser


def test_a_denoiser_says_what_it_reads_around_a_tile():
    with pytest.raises(TypeError, match="abstract class Denoiser"):
        Denoiser()
    ways = [
        one
        for _, one in inspect.getmembers(denoising, inspect.isclass)
        if issubclass(one, Denoiser) and one is not Denoiser
    ]
    assert {way.__name__ for way in ways} == {
        "Gaussian",
        "NonLocalMeans",
        "TotalVariation",
        "Noise2Noise",
    }
    assert not any(inspect.isabstract(way) for way in ways)
