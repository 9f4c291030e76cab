import itertools

import pytest
import torch
from scipy.special import beta
from torch import nn
from torch.testing import assert_close

from gyrovox.geometry import Euclidean, PoincareBall, poincare
from gyrovox.nn import EuclideanPlaneConv3d, Gyroplane, GyroplaneConv3d, plane_conv3d

# As in nn.Conv3d, torch says that an even window needs a padded copy.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

# Every option of nn.Conv3d, odd and even, one value and three.
WINDOWS = {
    "plain": {"kernel_size": 3},
    "point": {"kernel_size": 1},
    "even": {"kernel_size": 2, "padding": 1},
    "padded": {"kernel_size": 3, "padding": 1},
    "same": {"kernel_size": 3, "padding": "same"},
    "same even": {"kernel_size": (2, 3, 2), "padding": "same"},
    "valid": {"kernel_size": 3, "padding": "valid"},
    "strided": {"kernel_size": 3, "stride": 2, "padding": 2},
    "dilated": {"kernel_size": 2, "dilation": 2},
    "dilated same": {"kernel_size": 3, "dilation": 2, "padding": "same"},
    "uneven": {"kernel_size": (1, 2, 3), "stride": (2, 1, 2), "padding": (0, 1, 2)},
    "uneven dilated": {"kernel_size": (3, 1, 2), "dilation": (1, 2, 3), "padding": (1, 0, 0)},
    "groups": {"kernel_size": 3, "groups": 2, "padding": 1},
    "all groups": {"kernel_size": 2, "groups": 4, "stride": 2},
    "replicate": {"kernel_size": 3, "padding": 1, "padding_mode": "replicate"},
    "reflect": {"kernel_size": 3, "padding": (1, 2, 1), "padding_mode": "reflect"},
    "circular same": {"kernel_size": 2, "padding": "same", "padding_mode": "circular"},
}


@pytest.fixture(params=WINDOWS)
def window(request):
    return WINDOWS[request.param]


@pytest.fixture(params=[-0.1, -1.0, -4.0])
def curvature(request):
    return request.param


def padded(codes, layer):
    """The input with its border written out, by the documented meaning of `padding`."""
    if layer.padding == "valid":
        sides = [0] * 6
    elif layer.padding == "same":
        totals = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        sides = [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
    else:
        sides = [side for side in reversed(layer.padding) for _ in range(2)]
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    return nn.functional.pad(codes, sides, mode=mode)


def joined_point(points, dim, curvature):
    """β-concatenation of ball points by its definition: one exp of all the logs, rescaled."""
    codes = [
        poincare.log_origin(point, curvature=curvature) / beta(dim / 2, 0.5) for point in points
    ]
    joined = torch.cat(codes)
    return poincare.exp_origin(joined * beta(len(joined) / 2, 0.5), curvature=curvature)


def literal_gyroplane(z, direction, size, offset, curvature):
    """2 |Z| times the signed distance, by the Möbius definition of the gyroplane."""
    root = (-curvature) ** 0.5
    p = poincare.exp_origin(offset * direction, curvature=curvature)
    seen = poincare.mobius_add(-p, z, curvature=curvature)
    height = 2 * root * (seen @ direction) / (1 + curvature * seen @ seen)
    return 2 * size * torch.asinh(height) / root


def literal_convolution(codes, layer, dim):
    """Window by window, point by point, plane by plane."""
    volume = padded(codes, layer)
    kernel, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    shape = [
        (length - d * (k - 1) - 1) // s + 1
        for length, k, s, d in zip(volume.shape[2:], kernel, stride, dilation, strict=True)
    ]
    in_group, out_group = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    result = codes.new_zeros(len(codes), layer.out_channels, *shape)
    for batch, group in itertools.product(range(len(codes)), range(layer.groups)):
        for where in itertools.product(*map(range, shape)):
            points, order = [], []
            for first in range(0, in_group, dim):
                for delta in itertools.product(*map(range, kernel)):
                    at = [
                        w * s + e * d
                        for w, s, e, d in zip(where, stride, delta, dilation, strict=True)
                    ]
                    channels = slice(group * in_group + first, group * in_group + first + dim)
                    code = volume[batch, channels, *at]
                    points.append(poincare.exp_origin(code, curvature=layer.curvature))
                    order.append((slice(first, first + dim), delta))
            z = joined_point(points, dim, layer.curvature)
            for plane in range(group * out_group, (group + 1) * out_group):
                normal = torch.cat([
                    layer.weight[plane][channels, *delta] for channels, delta in order
                ])
                size = normal.norm()
                result[batch, plane, *where] = literal_gyroplane(
                    z, normal / size, size, layer.offset[plane], layer.curvature
                )
    return result


@torch.no_grad()
def test_agrees_with_the_literal_convolution(window):
    for curvature in (-0.1, -4.0):
        layer = GyroplaneConv3d(
            4, 4, **window, dim=1 if window.get("groups") == 4 else 2, curvature=curvature
        )
        layer = layer.double()
        layer.weight.normal_()
        codes = 0.5 * torch.randn(1, 4, 4, 5, 4, dtype=torch.float64)
        dim = 1 if window.get("groups") == 4 else 2
        assert_close(layer(codes), literal_convolution(codes, layer, dim))


def test_has_the_shape_of_conv3d(window):
    theirs, ours = nn.Conv3d(4, 8, **window), GyroplaneConv3d(4, 8, **window)
    codes = torch.randn(2, 4, 5, 6, 7)
    assert ours(codes).shape == theirs(codes).shape
    assert EuclideanPlaneConv3d(4, 8, **window)(codes).shape == theirs(codes).shape


def test_becomes_its_twin_as_curvature_vanishes(window):
    curved = GyroplaneConv3d(4, 8, **window, curvature=-1e-10).double()
    flat = EuclideanPlaneConv3d(4, 8, **window).double()
    flat.load_state_dict(curved.state_dict())
    codes = torch.randn(2, 4, 5, 6, 7, dtype=torch.float64)
    assert_close(curved(codes), flat(codes), rtol=1e-8, atol=1e-8)


def test_float32_agrees_with_float64(window, curvature):
    layer = GyroplaneConv3d(4, 8, **window, curvature=curvature)
    codes = (-curvature) ** -0.5 * torch.randn(2, 4, 5, 6, 7)
    expected = layer.double()(codes.double())
    assert_close(layer.float()(codes).double(), expected, rtol=1e-4, atol=1e-5)


def test_a_point_kernel_is_the_gyroplane_layer(curvature):
    conv, layer = (
        GyroplaneConv3d(3, 5, 1, curvature=curvature),
        Gyroplane(3, 5, curvature=curvature),
    )
    with torch.no_grad():
        conv.weight.copy_(layer.weight[:, :, None, None, None])
        conv.offset.copy_(layer.offset)
    codes = (-curvature) ** -0.5 * torch.randn(2, 3, 4, 4, 4)
    assert_close(conv(codes), layer(codes.movedim(1, -1)).movedim(-1, 1))


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_codes_are_shrunk_by_the_ratio_of_beta_functions(dim):
    layer = GyroplaneConv3d(4, 1, (1, 2, 3), dim=dim)
    assert layer.shrink == pytest.approx(beta(4 * 6 / 2, 0.5) / beta(dim / 2, 0.5), rel=1e-12)


def test_gradients_are_right_at_the_origin_and_elsewhere(curvature):
    layer = GyroplaneConv3d(2, 2, 2, padding=1, curvature=curvature).double()
    for size in (0.0, 1.0):
        codes = (size * torch.randn(1, 2, 2, 2, 2, dtype=torch.float64)).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda u, weight, offset: torch.func.functional_call(
                layer, {"weight": weight, "offset": offset}, (u,)
            ),
            (codes, layer.weight, layer.offset),
        )


def test_far_codes_stay_finite_in_float32():
    layer = GyroplaneConv3d(2, 3, 3, padding=1)
    codes = (200 * torch.randn(1, 2, 4, 4, 4)).requires_grad_()
    features = layer(codes)
    features.sum().backward()
    assert bool(features.isfinite().all() & codes.grad.isfinite().all())


def test_plane_conv3d_chooses_by_manifold(window):
    curved = plane_conv3d(PoincareBall(-2.0), 4, 8, **window)
    assert isinstance(curved, GyroplaneConv3d)
    assert curved.curvature == -2.0
    flat = plane_conv3d(Euclidean(), 4, 8, **window)
    assert isinstance(flat, EuclideanPlaneConv3d)
    assert flat(torch.randn(1, 4, 5, 5, 5)).shape == curved(torch.randn(1, 4, 5, 5, 5)).shape


def test_layer_prints_its_curvature():
    assert repr(GyroplaneConv3d(2, 4, 3)).endswith("bias=False, curvature=-1)")


def test_a_group_holds_whole_codes():
    with pytest.raises(ValueError, match=r"must be a multiple of dim.*is 3 with dim=2"):
        GyroplaneConv3d(6, 4, 3, groups=2, dim=2)
