"""What a reader of particles is told about their tomogram."""

from pathlib import Path

import pytest

from gyrovox.errors import ParticleError
from gyrovox.io.known_tomogram import KnownTomogram

FILE = Path("p.tbl")


def test_the_file_says_it_or_the_caller():
    assert KnownTomogram().voxel_size(FILE, 1.3) == 1.3
    assert KnownTomogram(voxel_size_nm=1.3).voxel_size(FILE, None) == 1.3
    assert KnownTomogram(voxel_size_nm=1.3004).voxel_size(FILE, 1.3) == 1.3
    assert KnownTomogram().size(FILE, (1, 2, 3)) == (1, 2, 3)
    assert KnownTomogram(shape=(4, 5, 6)).size(FILE, (1, 2, 3)) == (4, 5, 6)
    assert KnownTomogram().chosen(FILE, ["a", "a"]) == "a"
    assert KnownTomogram(name="b").chosen(FILE, ["a", "b"]) == "b"
    assert KnownTomogram().chosen(FILE, []) is None


def test_what_nobody_says_is_asked_for():
    with pytest.raises(ParticleError, match=r"p.tbl: the voxel size .* Pass voxel_size_nm"):
        KnownTomogram().voxel_size(FILE, None)
    with pytest.raises(ParticleError, match=r"p.tbl: the shape .* Pass shape"):
        KnownTomogram().size(FILE)


def test_contradictions_are_refused():
    with pytest.raises(ParticleError, match=r"in voxels of 1.3 nm, and 2.6 nm came"):
        KnownTomogram(voxel_size_nm=2.6).voxel_size(FILE, 1.3)
    with pytest.raises(ParticleError, match="must be of one tomogram, and these are of a, b"):
        KnownTomogram().chosen(FILE, ["b", "a"])
    with pytest.raises(ParticleError, match="no particle is of the tomogram 'c'"):
        KnownTomogram(name="c").chosen(FILE, ["a"])
