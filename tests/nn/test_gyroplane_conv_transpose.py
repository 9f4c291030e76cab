import itertools

import compiled_layers
import convolution_laws as laws
import hypothesis
import literal_convolution as literal
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from gyrovox.geometry import Euclidean, PoincareBall
from gyrovox.nn import (
    EuclideanPlaneConvTranspose3d,
    GyroplaneConv3d,
    GyroplaneConvTranspose3d,
    plane_conv_transpose3d,
)
from gyrovox.nn.plane_sum import plane_sum

WINDOWS = {
    "plain": {"kernel_size": 3},
    "point": {"kernel_size": 1},
    "doubled": {"kernel_size": 2, "stride": 2},
    "overlapping": {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    "with gaps": {"kernel_size": 2, "stride": 3},
    "uneven": {"kernel_size": (1, 2, 3), "stride": (2, 1, 2), "padding": (0, 1, 1)},
    "dilated": {"kernel_size": (3, 2, 2), "dilation": (1, 2, 3), "padding": 1},
    "groups": {"kernel_size": 3, "groups": 2, "stride": 2},
    "beyond": {"kernel_size": 1, "stride": 3, "output_padding": (2, 0, 1)},
}


@pytest.fixture(params=WINDOWS)
def window(request):
    return WINDOWS[request.param]


@st.composite
def settings_and_sides(draw):
    """The settings of a layer with an output of at least one voxel, and the sides of its codes."""
    axes = []
    for _ in range(3):
        kernel, stride, dilation, side = (
            draw(st.integers(1, most), label=name)
            for name, most in (("kernel", 3), ("stride", 3), ("dilation", 2), ("side", 2))
        )
        more = draw(st.integers(0, max(stride, dilation) - 1), label="output_padding")
        whole = (side - 1) * stride + dilation * (kernel - 1) + more + 1
        padding = draw(st.integers(0, min(2, (whole - 1) // 2)), label="padding")
        axes.append((kernel, stride, dilation, more, padding, side))
    names = ("kernel_size", "stride", "dilation", "output_padding", "padding", "side")
    drawn = dict(zip(names, zip(*axes, strict=True), strict=True))
    sides = drawn.pop("side")
    groups, members, codes, dim = (draw(st.integers(1, 2)) for _ in range(4))
    channels = {"in_channels": groups * codes * dim, "out_channels": groups * members}
    return drawn | channels | {"groups": groups, "dim": dim}, sides


@pytest.mark.no_cover
@given(drawn=settings_and_sides())
@hypothesis.settings(max_examples=50)
def test_agrees_with_loops_over_windows_and_offsets(curvature, meaning, drawn):
    settings, sides = drawn
    layer = GyroplaneConvTranspose3d(**settings, meaning=meaning, curvature=curvature).double()
    c = -curvature
    codes = c**-0.5 * torch.randn(1, settings["in_channels"], *sides, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.normal_()
        expected = literal.transposed_convolution(layer, codes, c=c)
        assert_close(layer(codes), expected, rtol=1e-9, atol=1e-9)


def test_is_the_convolution_of_the_finer_volume_with_the_window_turned_around(window, meaning):
    layer = GyroplaneConvTranspose3d(4, 4, **window, meaning=meaning).double()
    convolution = GyroplaneConv3d(
        4,
        4,
        layer.kernel_size,
        dilation=layer.dilation,
        groups=layer.groups,
        meaning=meaning,
    ).double()
    with torch.no_grad():
        parts = [part.transpose(0, 1) for part in layer.weight.chunk(layer.groups)]
        convolution.weight.copy_(torch.cat(parts).flip(2, 3, 4))
        turned = layer.offset if meaning == "concatenated" else layer.offset.flip(2, 3, 4)
        convolution.offset.copy_(turned)
    codes = torch.randn(2, 4, 2, 3, 2, dtype=torch.float64)
    sides = [(n - 1) * s + 1 for n, s in zip(codes.shape[2:], layer.stride, strict=True)]
    finer = torch.zeros(2, 4, *sides, dtype=torch.float64)
    finer[(..., *(slice(None, None, s) for s in layer.stride))] = codes
    ends = []
    for k, d, p, more in reversed(
        list(
            zip(layer.kernel_size, layer.dilation, layer.padding, layer.output_padding, strict=True)
        )
    ):
        ends += [d * (k - 1) - p, d * (k - 1) - p + more]
    assert_close(layer(codes), convolution(nn.functional.pad(finer, ends)))


def test_leaving_absent_codes_out_differs_by_a_pattern_that_knows_no_codes():
    layer = GyroplaneConvTranspose3d(2, 3, 3, stride=2, meaning="per_offset").double()

    def difference(codes):
        gyroplanes = layer.planes.by_offset(layer.weight.transpose(0, 1), layer.offset)
        left_out = plane_sum(codes.unsqueeze(1), *gyroplanes, window=layer.window, transposed=True)
        return layer(codes) - left_out

    one, other = torch.randn(2, 1, 2, 3, 3, 3, dtype=torch.float64)
    assert_close(difference(one), difference(other))
    # A checkerboard: 1 to 8 of the 27 gyroplanes reach a voxel.
    assert float(difference(one)[0, 0].detach().std()) > 0.01


def test_a_volume_of_origins_gives_the_same_everywhere(meaning):
    layer = GyroplaneConvTranspose3d(
        4, 3, 3, stride=2, padding=1, output_padding=1, dim=2, meaning=meaning
    )
    features = layer(torch.zeros(1, 4, 3, 3, 3))
    assert_close(features, features[:, :, :1, :1, :1].expand_as(features))
    assert bool((features.abs() > 1e-3).any())


def test_has_the_shape_of_conv_transpose3d(window, meaning):
    theirs = nn.ConvTranspose3d(4, 8, **window)
    codes = torch.randn(2, 4, 3, 2, 4)
    for kind in (GyroplaneConvTranspose3d, EuclideanPlaneConvTranspose3d):
        assert kind(4, 8, **window, meaning=meaning)(codes).shape == theirs(codes).shape


def test_becomes_its_twin_as_curvature_vanishes(window, meaning):
    curved = GyroplaneConvTranspose3d(4, 8, **window, meaning=meaning, curvature=-1e-10)
    flat = EuclideanPlaneConvTranspose3d(4, 8, **window, meaning=meaning)
    laws.check_becomes_its_twin(curved, flat, torch.randn(2, 4, 3, 2, 4, dtype=torch.float64))


def test_the_twin_is_conv_transpose3d_with_one_bias(window, meaning):
    flat = EuclideanPlaneConvTranspose3d(4, 8, **window, meaning=meaning).double()
    theirs = nn.ConvTranspose3d(4, 8, **window).double()
    zeros = torch.zeros(1, 4, 3, 2, 4, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight.copy_(4 * flat.planes.shrink * flat.weight.expand_as(theirs.weight))
        theirs.bias.copy_(flat(zeros)[0, :, 0, 0, 0])
    codes = torch.randn(2, 4, 3, 2, 4, dtype=torch.float64)
    assert_close(flat(codes), theirs(codes))


def test_twins_start_from_the_same_values_for_a_seed(meaning):
    kinds = (GyroplaneConvTranspose3d, EuclideanPlaneConvTranspose3d)
    laws.starting_values(kinds, 4, 8, 4, 2, dim=2, meaning=meaning)


def test_float32_agrees_with_float64(window, curvature, meaning):
    layer = GyroplaneConvTranspose3d(4, 8, **window, meaning=meaning, curvature=curvature)
    laws.check_float32_agrees_with_float64(layer, torch.randn(2, 4, 2, 3, 2))


def test_gradients_are_right_at_the_origin_and_elsewhere(curvature, meaning):
    layer = GyroplaneConvTranspose3d(
        2, 2, 2, stride=2, padding=1, output_padding=1, meaning=meaning, curvature=curvature
    )
    laws.check_gradients(layer)


def test_a_layer_is_restored_from_its_state(meaning, tmp_path):
    layer, other = (
        GyroplaneConvTranspose3d(4, 4, 3, stride=2, dim=2, meaning=meaning) for _ in range(2)
    )
    codes = torch.randn(1, 4, 2, 3, 2)
    laws.check_is_restored_from_its_state(layer, other, codes, tmp_path / "state.pt")


def test_shared_with_windows_side_by_side_repeats_the_response():
    layer = GyroplaneConvTranspose3d(2, 3, 2, stride=2, meaning="shared").double()
    features = layer(torch.randn(1, 2, 2, 2, 2, dtype=torch.float64))
    for delta in itertools.product(range(2), repeat=3):
        shifted = features[(..., *(slice(start, None, 2) for start in delta))]
        assert_close(shifted, features[..., ::2, ::2, ::2])


@pytest.mark.slow
def test_compiles_in_one_graph():
    compiled_layers.run_without_checks("transpose")


def test_plane_conv_transpose3d_chooses_by_manifold(window, meaning):
    curved = plane_conv_transpose3d(PoincareBall(-2.0), 4, 8, **window, meaning=meaning)
    assert isinstance(curved, GyroplaneConvTranspose3d)
    assert curved.curvature == -2.0
    flat = plane_conv_transpose3d(Euclidean(), 4, 8, **window, meaning=meaning)
    assert isinstance(flat, EuclideanPlaneConvTranspose3d)
    assert flat.planes == curved.planes


def test_layer_prints_its_meaning_and_curvature():
    assert repr(GyroplaneConvTranspose3d(4, 4, 3, dim=2, meaning="shared")).endswith(
        "bias=False, meaning=shared, dim=2, curvature=-1)"
    )


def test_curvature_must_be_negative():
    with pytest.raises(ValueError, match="curvature must be negative and finite"):
        GyroplaneConvTranspose3d(2, 4, 3, curvature=0.0)


def test_no_codes_give_no_features(meaning):
    laws.check_an_empty_batch(GyroplaneConvTranspose3d(4, 4, 3, groups=2, dim=2, meaning=meaning))


def test_second_derivatives_are_right_or_refused(meaning):
    laws.check_second_derivatives(GyroplaneConvTranspose3d(2, 2, 2, meaning=meaning))
