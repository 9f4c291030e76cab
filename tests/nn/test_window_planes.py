import itertools

import pytest
import torch
from torch.testing import assert_close

from gyrovox.nn.window_planes import WindowPlanes


def planes(meaning="per_offset", **changed):
    given = {"dim": 2, "in_group": 4, "groups": 3, "kernel": (2, 1, 3)}
    return WindowPlanes(meaning=meaning, **(given | changed))


def parameters(of):
    weight = torch.randn(6, 4, *of.window, dtype=torch.float64)
    return weight, torch.randn(of.offset_shape(6), dtype=torch.float64)


def test_each_meaning_has_its_number_of_gyroplanes():
    assert planes("concatenated").offset_shape(6) == (6,)
    assert planes("per_offset").offset_shape(6) == (6, 2, 2, 1, 3)
    assert planes("shared").offset_shape(6) == (6, 2, 1, 1, 1)


def test_only_joined_codes_are_shrunk():
    assert planes("concatenated").shrink < 1
    assert planes("shared").shrink == planes("per_offset").shrink == 1


@pytest.mark.parametrize("meaning", ["shared", "per_offset"])
def test_gyroplanes_by_offset_and_code(meaning):
    of = planes(meaning)
    weight, offset = parameters(of)
    normals, halves = of.by_offset(weight, offset)
    deltas = list(itertools.product(*map(range, of.window)))
    assert normals.shape == (len(deltas), 3 * 2, 2, 2)
    for (at, delta), group, code, member in itertools.product(
        enumerate(deltas), range(3), range(2), range(2)
    ):
        out, voxel_code = 2 * group + member, 2 * group + code
        expected = weight[out, 2 * code : 2 * code + 2, *delta]
        assert torch.equal(normals[at, voxel_code, member], expected)
        assert torch.equal(halves[at, voxel_code, member], offset[out, code, *delta])


def test_origins_give_the_bias_of_the_flat_convolution():
    for meaning in ("shared", "per_offset", "concatenated"):
        of = planes(meaning)
        weight, offset = parameters(of)
        kernel, bias = of.flat(weight, offset)
        assert kernel.shape == (6, 4, 2, 1, 3)
        by_offset = of.at_origin(weight, offset)
        repeats = 6 if meaning == "shared" else 1
        assert_close(bias, repeats * by_offset.sum((1, 2, 3)))


def test_response_at_the_origin():
    of = planes("per_offset")
    weight, offset = parameters(of)
    expected = -4 * sum(
        weight[5, 2 * code : 2 * code + 2, 1, 0, 2].norm() * offset[5, code, 1, 0, 2]
        for code in range(2)
    )
    assert_close(of.at_origin(weight, offset)[5, 1, 0, 2], expected)


def test_a_group_holds_whole_codes():
    with pytest.raises(ValueError, match=r"must be a multiple of dim.*is 3 with dim=2"):
        planes(in_group=3)
    with pytest.raises(ValueError, match=r"must be a multiple of dim.*is 4 with dim=0"):
        planes(dim=0)


def test_there_are_three_meanings():
    of = planes()
    # A wrong word gets past the checks of types, which only tests make.
    object.__setattr__(of, "meaning", "joint")
    with pytest.raises(ValueError, match=r"meaning must be 'shared', .* and is 'joint'"):
        of.__post_init__()
