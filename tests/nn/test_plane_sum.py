import itertools

import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from torch.testing import assert_close

from gyrovox.geometry.gyroplane import signed_distance
from gyrovox.nn.plane_sum import plane_sum
from gyrovox.nn.window import Window

POINT = Window()


def gyroplanes(offsets, codes, members, dim, dtype=torch.float64):
    return (
        torch.randn(offsets, codes, members, dim, dtype=dtype),
        torch.randn(offsets, codes, members, dtype=dtype),
    )


def volume(codes, dim, sides, dtype=torch.float64):
    return torch.randn(2, codes, dim, *sides, dtype=dtype)


@pytest.mark.parametrize("size", [0.0, 1.0, 400.0], ids=["origin", "near", "beyond the reach"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_point_window_is_the_signed_distance(size, dtype):
    normals, offsets = (part.requires_grad_() for part in gyroplanes(1, 1, 5, 3, dtype))
    # Twice: once through the sum, once through the layer's function.
    codes = (size * volume(1, 3, (2, 3, 2), dtype)).requires_grad_()
    found = plane_sum(codes, normals, offsets, window=POINT, curvature=-2.0)
    flat = codes.squeeze(1).movedim(1, -1)
    normal, offset = normals[0, 0], offsets[0, 0]
    factor = 2 * normal.norm(dim=-1)
    expected = signed_distance(flat, normal, offset, factor=factor, curvature=-2.0)
    expected = expected.movedim(-1, 1)
    assert_close(found, expected)
    given = torch.randn_like(found)
    leaves = (codes, normals, offsets)
    ours = torch.autograd.grad(found, leaves, given)
    theirs = torch.autograd.grad(expected, leaves, given)
    for one, other in zip(ours, theirs, strict=True):
        assert_close(one, other, rtol=1e-4 if dtype == torch.float32 else 1e-9, atol=1e-5)


@pytest.mark.parametrize("transposed", [False, True])
def test_gradients_are_right(transposed):
    window = Window(kernel=(2, 1, 2), stride=(1, 2, 1), dilation=(1, 1, 2))
    normals, offsets = gyroplanes(4, 2, 2, 2)
    codes = volume(2, 2, (2, 2, 3))
    codes[:, :, :, 0] = 0
    assert torch.autograd.gradcheck(
        lambda *given: plane_sum(*given, window=window, groups=2, transposed=transposed),
        [part.requires_grad_() for part in (codes, normals, offsets)],
    )


def test_a_learned_curvature_has_its_gradient():
    normals, offsets = gyroplanes(8, 1, 2, 2)
    codes = volume(1, 2, (3, 3, 3))
    assert torch.autograd.gradcheck(
        lambda kappa: plane_sum(
            codes, normals, offsets, window=Window(kernel=(2, 2, 2)), curvature=kappa
        ),
        [torch.tensor(-0.7, dtype=torch.float64, requires_grad=True)],
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_the_operator_is_what_it_says_to_the_compiler(transposed):
    # torch's own checks of schema, fake tensors and autograd registration.
    lifted = torch.randn(2, 2, 4, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    planes = torch.randn(8, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    factor = torch.rand(8, 2, 3, dtype=torch.float64, requires_grad=True)
    window = [2, 2, 2, 1, 2, 1, 1, 1, 2]
    torch.library.opcheck(
        torch.ops.gyrovox.plane_sum.default, (lifted, planes, factor, window, 2, transposed)
    )


@pytest.mark.parametrize("transposed", [False, True])
def test_blocks_do_not_show(transposed, monkeypatch):
    window = Window(kernel=(2, 3, 1), stride=(2, 1, 1), dilation=(1, 2, 1))
    normals, offsets = gyroplanes(6, 2, 3, 2)
    codes = volume(2, 2, (5, 7, 4)).requires_grad_()

    def outcome():
        result = plane_sum(codes, normals, offsets, window=window, groups=2, transposed=transposed)
        return result, *torch.autograd.grad(result.square().sum(), codes)

    whole = outcome()
    for room in (1, 7, 60):
        monkeypatch.setattr("gyrovox.nn.plane_sum._BLOCK_ON_CPU", 6 * room)
        for one, other in zip(outcome(), whole, strict=True):
            assert_close(one, other)


def test_no_codes_give_no_features():
    normals, offsets = gyroplanes(1, 1, 5, 2)
    codes = torch.zeros(0, 1, 2, 3, 3, 3, dtype=torch.float64)
    assert plane_sum(codes, normals, offsets, window=POINT).shape == (0, 5, 3, 3, 3)


def peak_bytes(run):
    """Most memory that was held at once, over what was held before."""
    run()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        run()
    held = most = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


@pytest.mark.parametrize("transposed", [False, True])
def test_memory_does_not_grow_with_the_window(transposed, monkeypatch):
    # A quarter of what one offset gives here, as if the volume were larger.
    monkeypatch.setattr("gyrovox.nn.plane_sum._BLOCK_ON_CPU", 2**17)
    codes = torch.randn(1, 1, 2, 34, 34, 34)
    peaks = []
    for width in (3, 5):
        window = Window(kernel=(width, width, width))
        normals, offsets = gyroplanes(width**3, 1, 16, 2, torch.float32)
        given = codes[..., : 30 + width - 1].clone().requires_grad_()

        def both(given=given, normals=normals, offsets=offsets, window=window):
            result = plane_sum(given, normals, offsets, window=window, transposed=transposed)
            result.backward(torch.ones_like(result))

        with torch.no_grad():
            result = plane_sum(given, normals, offsets, window=window, transposed=transposed)
        peaks.append(peak_bytes(both) / (4 * result.numel()))
    # In outputs: the result, its gradient, and a few blocks. Naively 27 and 125 at least.
    assert max(peaks) < 6


@pytest.mark.parametrize("transposed", [False, True])
def test_nothing_but_inputs_is_kept_for_backward(transposed):
    kept = []
    normals, offsets = gyroplanes(27, 1, 16, 2)
    codes = torch.randn(1, 1, 2, 10, 10, 10, dtype=torch.float64, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor.numel()) or tensor, lambda tensor: tensor
    ):
        result = plane_sum(
            codes, normals, offsets, window=Window(kernel=(3, 3, 3)), transposed=transposed
        )
    assert result.numel() > 16 * 8**3 - 1
    assert max(kept) <= 2 * codes.numel()


@pytest.mark.gpu
def test_agrees_with_the_cpu(device):
    window = Window(kernel=(3, 3, 3), stride=(2, 1, 1))
    normals, offsets = gyroplanes(27, 2, 4, 2)
    codes = volume(2, 2, (9, 9, 9))
    for transposed, groups in itertools.product((False, True), (1, 2)):
        outcomes = []
        for place in ("cpu", device):
            leaves = [
                part.detach().to(place).requires_grad_() for part in (codes, normals, offsets)
            ]
            result = plane_sum(*leaves, window=window, groups=groups, transposed=transposed)
            slopes = torch.autograd.grad(result.square().sum(), leaves)
            outcomes.append([part.cpu() for part in (result, *slopes)])
        for one, other in zip(*outcomes, strict=True):
            assert_close(one, other)
