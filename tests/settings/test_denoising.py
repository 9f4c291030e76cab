import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings.denoising import Noise2NoiseSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"channels": ()}, r"n2n.channels must have at least 1 filter at every scale, got \(\)"),
        ({"channels": (4, 0)}, "n2n.channels must have at least 1 filter"),
        ({"steps": 0}, "n2n.steps must be at least 1, got 0"),
        ({"batch_size": 0}, "n2n.batch_size must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "n2n.learning_rate must be positive, got 0"),
        ({"crop_size": 26}, "n2n.crop_size must be a multiple of 4, the coarsest voxel of"),
        ({"crop_size": 0}, "n2n.crop_size must be a multiple of 4"),
    ],
)
def test_what_no_training_can_use_is_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        Noise2NoiseSettings(**wrong)


def test_every_scale_halves_the_sides():
    assert [Noise2NoiseSettings(channels=(2,) * n).stride for n in (1, 2, 3, 4)] == [1, 2, 4, 8]
