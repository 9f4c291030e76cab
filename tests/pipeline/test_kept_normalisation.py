"""Statistics that a run finds once."""

import numpy as np
import pytest

from gyrovox.errors import DamagedPieceWarning, VolumeError
from gyrovox.execution import Ledger
from gyrovox.pipeline import kept_normalisation
from gyrovox.volumes import Volume, normalisation_of


@pytest.fixture
def found():
    voxels = np.random.default_rng(0).normal(size=(2, 9, 10, 11)).astype(np.float32)
    return normalisation_of(Volume.from_array(voxels))


def ledger_in(folder):
    return Ledger(folder / "run", fingerprint={"run": "of a test"})


def refuse():
    raise AssertionError("it was found before")


def test_it_is_found_once_and_the_same_to_the_bit(tmp_path, found):
    assert kept_normalisation(ledger_in(tmp_path), "0", lambda: found) == found
    assert kept_normalisation(ledger_in(tmp_path), "0", refuse) == found


def test_each_volume_has_its_own(tmp_path, found):
    other = normalisation_of(Volume.from_array(np.arange(60.0).reshape(3, 4, 5)))
    for key, one in (("0", found), ("1", other)):
        kept_normalisation(ledger_in(tmp_path), key, lambda one=one: one)
    assert kept_normalisation(ledger_in(tmp_path), "0", refuse) == found
    assert kept_normalisation(ledger_in(tmp_path), "1", refuse) == other


def test_what_the_disk_has_damaged_is_found_again(tmp_path, found):
    kept_normalisation(ledger_in(tmp_path), "0", lambda: found)
    path = ledger_in(tmp_path).path("statistics", "0", ".json")
    path.write_text(path.read_text("utf-8").replace("1", "2"), "utf-8")
    with pytest.warns(DamagedPieceWarning, match="the piece is made again"):
        assert kept_normalisation(ledger_in(tmp_path), "0", lambda: found) == found


def test_a_volume_that_cannot_be_worked_with_leaves_nothing(tmp_path):
    constant = Volume.from_array(np.ones((3, 4, 5)))
    with pytest.raises(VolumeError, match="must vary to be segmented"):
        kept_normalisation(ledger_in(tmp_path), "0", lambda: normalisation_of(constant))
    assert not ledger_in(tmp_path).done("statistics", "0")
