import numpy as np
import pytest

from gyrovox.geometry import manifold
from gyrovox.inference.latents import LatentStorage, latent_storage

SPACES = {"poincare": -1.0, "strongly": -4.0, "weakly": -0.1, "flat": 0.0}


def space_of(curvature):
    return manifold("poincare", curvature=curvature) if curvature else manifold("euclidean")


def codes_of(length, dim=2):
    """Codes up to a length, some of them exactly as long."""
    codes = np.random.default_rng(0).normal(size=(9, 10, 11, dim))
    codes *= length / np.linalg.norm(codes, axis=-1).max()
    return codes.astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_what_is_stored_is_read_back_to_half_a_step(dtype, dim):
    codes = codes_of(2.5, dim)
    storage = latent_storage(dtype, codes.reshape(-1, dim))
    stored = storage.stored(codes)
    assert stored.dtype == np.dtype(dtype) == storage.stored_dtype
    assert stored.shape == (dim, 9, 10, 11)
    back = storage.codes(stored)
    assert back.dtype == np.float32
    largest = np.abs(codes).max(axis=(0, 1, 2))
    half = {"float32": 0.0, "float16": 2.0**-11 * largest, "int8": 1.5 * largest / 127 / 2}[dtype]
    assert (np.abs(back - codes).max(axis=(0, 1, 2)) <= half * (1 + 1e-5)).all()


@pytest.mark.parametrize("curvature", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("length", [0.01, 0.7, 3.0])
@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_the_largest_error_is_real_and_within_the_bound(dtype, length, curvature):
    codes = codes_of(length)
    storage = latent_storage(dtype, codes.reshape(-1, 2))
    error = storage.largest_error(codes, space_of(curvature))
    bound = storage.error_bound(length, curvature=curvature)
    assert 0.01 * bound < error <= bound * (1 + 1e-4)


@pytest.mark.parametrize("curvature", SPACES.values(), ids=SPACES)
def test_the_bound_is_reached_across_the_longest_code(curvature):
    length = 0.2
    steps = (0.002, 0.002)
    storage = LatentStorage("int8", steps)
    code = np.array([length * np.sqrt(0.5)] * 2) // 0.002 * 0.002 + np.array([0.00099, -0.00099])
    error = storage.largest_error(code.reshape(1, 1, 1, 2).astype(np.float32), space_of(curvature))
    bound = storage.error_bound(float(np.linalg.norm(code)), curvature=curvature)
    assert 0.93 * bound < error <= bound


def test_float32_loses_nothing():
    codes = codes_of(3.0)
    storage = latent_storage("float32", codes.reshape(-1, 2))
    assert np.array_equal(storage.codes(storage.stored(codes)), codes)
    assert storage.largest_error(codes, space_of(-1.0)) == 0.0
    assert storage.error_bound(3.0, curvature=-1.0) == 0.0


def test_int8_leaves_room_beyond_the_sample_and_stops_at_its_end():
    storage = latent_storage("int8", np.array([[1.0, 0.0], [-2.0, 0.0]], np.float32))
    assert storage.steps == (pytest.approx(3 / 127), 1.0)
    codes = np.array([2.9, -2.9, 3.5, -9.0], np.float32)
    codes = np.stack([codes, 0 * codes], axis=-1).reshape(1, 1, 4, 2)
    stored = storage.stored(codes)
    assert stored[0, 0, 0].tolist() == [123, -123, 127, -127]
    # What did not fit is not hidden: it is in the error.
    assert storage.largest_error(codes, space_of(0.0)) == pytest.approx(2 * 6.0, rel=1e-3)


def test_steps_are_float32_numbers():
    storage = latent_storage("int8", codes_of(1.0).reshape(-1, 2))
    assert storage.steps == tuple(float(np.float32(step)) for step in storage.steps)
