"""`gyrovox average`."""

import json
from dataclasses import replace

import mrcfile
import numpy as np
import pytest
from scattered_molecules import molecule, scattered

from gyrovox import io
from gyrovox.cli.average import WRITTEN
from gyrovox.io.particle_files import read_particles, write_particles
from gyrovox.io.star import read_star
from gyrovox.particles.averaging import Averager
from gyrovox.volumes import Volume

FLAGS = (
    "--box-nm", 14, "--mask-nm", 11, "--iterations", 2, "--lean-degrees", 8, "--shift-nm", 1,
    "--first-step-degrees", 8, "--initial-resolution-nm", 4, "--no-search-spin", "--threads", 1,
)  # fmt: skip


@pytest.fixture(scope="module")
def scene():
    return scattered(counts=(1, 3, 3), noise=0.1, wedge=(-60.0, 60.0))


@pytest.fixture
def inputs(scene, tmp_path):
    io.write(scene.tomogram, tmp_path / "t.mrc")
    write_particles(scene.truth, tmp_path / "p.star")
    return tmp_path / "t.mrc", "--particles", tmp_path / "p.star", "-o", tmp_path / "out"


def test_it_leaves_maps_curve_picture_and_particles(run, inputs, scene, tmp_path):
    done = run("average", *inputs, *FLAGS, "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("9 particles averaged, 0 skipped at the border: ")
    folder = tmp_path / "out"
    assert {path.name for path in folder.iterdir()} == set(WRITTEN) - {".gyrovox-*"}
    for name in ("average", "half1", "half2", "mask"):
        path = folder / f"{name}.mrc"
        assert mrcfile.validate(path)
        with mrcfile.open(path) as file:
            assert file.data.shape == (14, 14, 14)
            assert file.voxel_size.x == pytest.approx(10.0)
    found = io.read(folder / "average.mrc").read()[0]
    mask = io.read(folder / "mask.mrc").read()[0]
    assert np.corrcoef((found * mask).ravel(), (molecule(14) * mask).ravel())[0, 1] > 0.9
    again = read_particles(folder / "particles.star")
    offsets = np.linalg.norm(again.positions - scene.truth.positions, axis=1)
    assert offsets.max() < 1.0
    halves = read_star(folder / "particles.star")["particles"]["rlnRandomSubset"]
    assert sorted(halves) == ["1"] * 5 + ["2"] * 4
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["averaged"] == 9
    assert record["averaging"]["box_nm"] == 14
    assert record["resolution_nm"]["0.143"] <= record["resolution_nm"]["0.5"]
    rows = np.loadtxt(folder / "fsc.csv", delimiter=",", skiprows=1)
    assert rows.shape == (8, 3)


def test_it_goes_on_after_an_interruption(run, inputs, monkeypatch, tmp_path):
    improved, calls = Averager.improved, []

    def interrupted(self, state):
        calls.append(state.iteration)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return improved(self, state)

    monkeypatch.setattr(Averager, "improved", interrupted)
    first = run("average", *inputs, *FLAGS, "--quiet")
    assert first.code == 130
    assert "the same command goes on" in first.err
    assert not (tmp_path / "out").exists()
    second = run("average", *inputs, *FLAGS)
    assert second.code == 0, second.err
    assert "going on after alignment 1" in second.err
    assert calls == [0, 1, 1], "no alignment was done twice"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "p.star", "t.mrc"]


def test_a_reference_may_be_given(run, inputs, tmp_path):
    io.write(Volume.from_array(molecule(28), voxel_size_nm=(1.0,) * 3), tmp_path / "map.mrc")
    flags = [*FLAGS, "--iterations", 1, "--reference", tmp_path / "map.mrc", "--quiet"]
    done = run("average", *inputs, *flags)
    assert done.code == 0, done.err
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert record["reference"].endswith("map.mrc")


def test_one_class_of_several_is_chosen(run, inputs, scene, tmp_path):
    named = replace(scene.truth, classes=("spike",) * 6 + ("virion",) * 3)
    write_particles(named, tmp_path / "p.star", overwrite=True)
    done = run("average", *inputs, *FLAGS)
    assert (done.code, "must be of one class" in done.err) == (1, True)
    done = run("average", *inputs, *FLAGS, "--class", "shell")
    assert (done.code, "no particle is of the class 'shell'" in done.err) == (1, True)
    done = run("average", *inputs, *FLAGS, "--class", "spike", "--iterations", 1, "--quiet")
    assert done.out.startswith("6 particles averaged"), done.err


def test_a_folder_of_somebody_else_is_not_replaced(run, inputs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("mine", encoding="ascii")
    done = run("average", *inputs, *FLAGS, "--overwrite")
    assert (done.code, "precious.txt in it was not written" in done.err) == (1, True)
    assert (tmp_path / "out" / "precious.txt").read_text(encoding="ascii") == "mine"
    done = run("average", *inputs, *FLAGS)
    assert (done.code, "must not exist yet" in done.err) == (1, True)


def test_particles_without_directions_are_refused_at_once(run, inputs, scene, tmp_path):
    write_particles(replace(scene.truth, rotations=None), tmp_path / "p.star", overwrite=True)
    done = run("average", *inputs, *FLAGS)
    assert (done.code, "must have rotations" in done.err) == (1, True)
    assert not (tmp_path / ".out.gyrovox-run").exists()
