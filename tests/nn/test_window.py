import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from gyrovox.nn.window import Window, box_sum, padded, window_of

# As in nn.Conv3d, torch says that an even window needs a padded copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")


def triples(least, most):
    return st.tuples(*[st.integers(least, most)] * 3)


@given(
    kernel=triples(1, 4),
    stride=triples(1, 3),
    dilation=triples(1, 3),
    more=triples(1, 5),
)
def test_box_sum_is_a_convolution_with_ones(kernel, stride, dilation, more):
    window = Window(kernel=kernel, stride=stride, dilation=dilation)
    sides = [reach + extra for reach, extra in zip(window.reach, more, strict=True)]
    volume = torch.randn(2, 3, *sides, dtype=torch.float64)
    expected = nn.functional.conv3d(
        volume,
        torch.ones(3, 1, *kernel, dtype=torch.float64),
        stride=stride,
        dilation=dilation,
        groups=3,
    )
    assert_close(box_sum(volume, window), expected)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    "given", [{"padding": (1, 0, 2)}, {"padding": "same"}, {"padding": "valid"}, {"padding": 0}]
)
def test_a_padded_volume_needs_no_padding(given, mode):
    layer = nn.Conv3d(2, 3, (2, 3, 4), dilation=(2, 1, 1), padding_mode=mode, bias=False, **given)
    volume = torch.randn(2, 2, 5, 6, 7)
    unpadded = nn.functional.conv3d(padded(volume, layer), layer.weight, dilation=layer.dilation)
    assert_close(unpadded, layer(volume))


def test_window_of_a_layer():
    layer = nn.ConvTranspose3d(1, 1, (1, 2, 3), stride=2, dilation=(3, 2, 1))
    window = window_of(layer)
    assert window == Window(kernel=(1, 2, 3), stride=(2, 2, 2), dilation=(3, 2, 1))
    assert window.reach == (0, 2, 2)


def test_a_window_must_fit():
    layer = nn.Conv3d(1, 1, 3, dilation=2)
    with pytest.raises(ValueError, match=r"a window of \(5, 5, 5\) voxels .* are \(5, 4, 5\)"):
        padded(torch.zeros(1, 1, 5, 4, 5), layer)
