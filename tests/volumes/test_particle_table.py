"""Tables of particles."""

import jaxtyping
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.errors import ParticleError
from gyrovox.volumes import ParticleTable


@pytest.fixture
def without_type_checks():
    """As users run it: the checks of shapes, which tests add, speak before ours."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def table(**columns):
    given = {
        "positions": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
        "shape": (10, 20, 30),
        "voxel_size_nm": 1.5,
    }
    return ParticleTable(**{**given, **columns})


def test_positions_in_nm_are_voxels_times_their_size():
    np.testing.assert_allclose(table().positions_nm[1], [6.0, 7.5, 9.0])


def test_chosen_rows_keep_every_column_and_their_order():
    rotations = Rotation.random(3, random_state=0).as_matrix()
    whole = table(
        tomogram="t1",
        rotations=rotations,
        scores=np.array([0.1, 0.2, 0.3]),
        classes=("a", "b", "c"),
        diameters_nm=np.array([1.0, 2.0, 3.0]),
        parents=np.array([-1, 0, 0]),
    )
    some = whole.chosen(np.array([2, 0]))
    assert len(some) == 2
    assert (some.shape, some.voxel_size_nm, some.tomogram) == ((10, 20, 30), 1.5, "t1")
    np.testing.assert_array_equal(some.positions, whole.positions[[2, 0]])
    np.testing.assert_array_equal(some.rotations, rotations[[2, 0]])
    np.testing.assert_array_equal(some.scores, [0.3, 0.1])
    assert some.classes == ("c", "a")
    np.testing.assert_array_equal(some.diameters_nm, [3.0, 1.0])
    np.testing.assert_array_equal(some.parents, [0, -1])


def test_columns_that_are_not_known_stay_so():
    some = table().chosen(np.array([1]))
    assert (some.rotations, some.scores, some.classes, some.parents) == (None, None, None, None)


def test_a_table_may_be_empty():
    assert len(table(positions=np.zeros((0, 3)), rotations=np.zeros((0, 3, 3)))) == 0


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan, np.inf])
def test_voxels_must_have_a_size(size):
    with pytest.raises(ParticleError, match=r"voxel size of particles must be above 0 nm"):
        table(voxel_size_nm=size)


def test_the_tomogram_must_have_voxels():
    with pytest.raises(ParticleError, match=r"must have voxels, got \(0, 20, 30\)"):
        table(shape=(0, 20, 30))


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("scores", np.zeros(2)),
        ("classes", ("a",)),
        ("diameters_nm", np.ones(4)),
        ("parents", np.zeros(2, np.int64)),
        ("rotations", np.eye(3)[None]),
    ],
)
def test_every_column_must_have_a_row_for_each_particle(name, column):
    with pytest.raises(ParticleError, match=rf"{name} must have a row for each of 3 particles"):
        table(**{name: column})


def test_numbers_must_be_finite():
    with pytest.raises(ParticleError, match="positions must be finite"):
        table(positions=np.full((3, 3), np.nan))


@pytest.mark.parametrize(
    "matrix", [np.diag([1.0, 1.0, -1.0]), 1.1 * np.eye(3)], ids=["mirror", "stretch"]
)
def test_rotations_must_be_rotations(matrix):
    with pytest.raises(ParticleError, match="proper rotation matrices"):
        table(rotations=np.stack([matrix] * 3))
