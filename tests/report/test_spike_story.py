"""The story of the tutorial: where what is true lies in what was found."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from gyrovox import io
from gyrovox.io.particle_files import write_particles
from gyrovox.report.spike_story import ALIGNMENT, SERIES, SPIKES, TOMOGRAM, TRUTH, VIRIONS, Tutorial
from gyrovox.tomography import TiltGeometry, TiltSeries
from gyrovox.tomography.tilt_series_files import write_alignment, write_tilt_series
from gyrovox.volumes import ParticleTable, Volume

SHAPE, SIZE_NM = (20, 32, 32), 4.0
MOVE = np.array([2.0, -3.0, 4.0])  # of the found frame against the true one, in voxels
VIRION = np.array([[9.0, 12.0, 20.0]])


@pytest.fixture
def tutorial(tmp_path):
    """A folder whose alignment is right but for where the specimen's middle is."""
    for file in (SERIES, ALIGNMENT, TOMOGRAM, VIRIONS, SPIKES):
        (tmp_path / file).parent.mkdir()
    tilts = np.arange(-60.0, 61.0, 20.0)
    true = TiltGeometry(
        tilt_degrees=tilts,
        axis_degrees=np.full(len(tilts), 2.0),
        shifts=np.random.default_rng(0).normal(0, 2, (len(tilts), 2)),
    )
    found = replace(true, shifts=true.shifts - np.einsum("tij,j->ti", true.matrices(), MOVE))
    series = TiltSeries(
        images=np.random.default_rng(1).normal(size=(len(tilts), 32, 32)).astype(np.float32),
        geometry=true,
        pixel_size_nm=SIZE_NM,
        name="tilt-series-000",
    )
    write_tilt_series(series, tmp_path / "1-simulation")
    write_alignment(true, tmp_path / "1-simulation/true-alignment-000.xf", (32, 32))
    write_alignment(found, tmp_path / ALIGNMENT, (32, 32))
    voxels = np.random.default_rng(2).normal(size=(1, *SHAPE)).astype(np.float32)
    io.write(Volume.from_array(voxels[0], voxel_size_nm=(SIZE_NM,) * 3), tmp_path / TOMOGRAM)
    particles = ParticleTable(
        positions=np.concatenate([VIRION, VIRION + 5, VIRION + 6]),
        shape=SHAPE,
        voxel_size_nm=SIZE_NM,
        classes=("virion", "spike", "spike"),
        diameters_nm=np.array([60.0, 20.0, 20.0]),
        parents=np.array([-1, 0, 0]),
    )
    write_particles(particles, tmp_path / TRUTH)
    return Tutorial(tmp_path, {}, {})


def picked(tutorial, position):
    table = ParticleTable(
        positions=position,
        shape=SHAPE,
        voxel_size_nm=SIZE_NM,
        classes=("virion",),
        diameters_nm=np.array([60.0]),
    )
    write_particles(table, tutorial.folder / VIRIONS)
    with (tutorial.folder / "6-spikes/counts.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["virion", "count", "low", "high"])
        rows.writerow([1, 3, 1, 5])


def test_what_is_true_is_moved_into_the_frame_of_the_tomogram(tutorial):
    places, rows = tutorial.true_places("virion")
    np.testing.assert_allclose(places, VIRION + MOVE, atol=0.02)
    assert rows == [0]
    assert tutorial.error.mean < 0.02


def test_spikes_are_counted_beside_those_of_the_virion_that_is_there(tutorial):
    picked(tutorial, VIRION + MOVE)
    assert ("virion 1", "3 spikes (1 to 5); truth 2") in tutorial.counted().facts


def test_a_pick_where_no_virion_is_says_so(tutorial):
    picked(tutorial, np.array([[2.0, 2.0, 2.0]]))
    assert ("virion 1", "3 spikes (1 to 5); no virion is there") in tutorial.counted().facts


def test_a_step_tells_what_it_took(tutorial):
    picked(tutorial, VIRION + MOVE)
    timed = replace(tutorial, times_s={"6-spikes": 61.0}, commands={"6-spikes": "gyrovox spikes"})
    chapter = timed.counted()
    assert chapter.facts[-1] == ("took", "1 min 01 s")
    assert chapter.command == "gyrovox spikes"
