"""`gyrovox spikes`: what it leaves, and that bad input leaves nothing."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_virions import RADIUS_NM, VOXEL_NM, drawn_virions

from gyrovox import io
from gyrovox.io.particle_files import read_particles, write_particles
from gyrovox.pipeline import run_folder
from gyrovox.results import ResultFolder, result_folders
from gyrovox.volumes import ParticleTable, Volume

QUICK = (
    *("--training.steps", "2", "--training.crop-size", "12", "--threads", "1"),
    *("--working-voxel-nm", "4.5", "--quiet"),
)


@pytest.fixture(scope="module")
def drawn():
    return drawn_virions(2, virions=1, spikes=14, noise=0.2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, drawn):
    """A tomogram with its particles: something else first, then the virion."""
    made = tmp_path_factory.mktemp("spikes")
    volume = Volume.from_array(drawn.image, voxel_size_nm=(VOXEL_NM,) * 3, name="drawn")
    io.write(volume, made / "tomogram.mrc")
    table = ParticleTable(
        positions=np.concatenate([[[5.0, 5, 5]], drawn.centres_nm / VOXEL_NM]),
        shape=drawn.image.shape,
        voxel_size_nm=VOXEL_NM,
        classes=("ribosome", "virion"),
        diameters_nm=np.array([25.0, 2 * RADIUS_NM + 4]),
    )
    for name in ("particles.csv", "particles.star"):
        write_particles(table, made / name)
    return made


@pytest.fixture(scope="module")
def results(folder):
    """What one run left, shared by all who only look."""
    from gyrovox.cli import main

    words = ("spikes", folder / "tomogram.mrc", "--particles", folder / "particles.csv")
    with pytest.raises(SystemExit) as leave:
        main([str(word) for word in (*words, "-o", folder / "out", *QUICK)])
    assert leave.value.code == 0
    return folder / "out"


def test_it_leaves_tables_evidence_picture_and_a_result(results):
    left = sorted(path.name for path in results.iterdir())
    assert left == sorted([
        "counts.csv",
        "spikes.csv",
        "spikes.json",
        "spikes.mrc",
        "spikes.png",
        "spikes.star",
        "virions",
        "virions.mrc",
    ])
    assert not run_folder(results).exists()


def test_spikes_stand_where_they_were_drawn_and_know_their_virion(results, drawn):
    star, table = (read_particles(results / f"spikes.{suffix}") for suffix in ("star", "csv"))
    np.testing.assert_allclose(star.positions, table.positions, atol=1e-3)
    assert 11 <= len(table) <= 17
    np.testing.assert_array_equal(table.parents, 1)  # the second row of the file
    gaps = np.linalg.norm(table.positions_nm[:, None] - drawn.spikes_nm[None], axis=-1)
    assert (gaps.min(axis=0) < 8).sum() >= 11


def test_counts_have_an_interval_and_a_density(results):
    with (results / "counts.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["virion"] == "2"
    assert int(row["low"]) <= int(row["count"]) <= int(row["high"])
    area = 4 * np.pi * float(row["radius_nm"]) ** 2
    assert float(row["area_nm2"]) == pytest.approx(area, rel=0.02)
    assert float(row["per_1000_nm2"]) == pytest.approx(
        1000 * float(row["estimate"]) / float(row["area_nm2"]), abs=0.01
    )
    assert float(row["nearest_nm"]) > 12


def test_the_evidence_names_nodes_as_the_tree_file_counts_them(results):
    evidence = json.loads((results / "spikes.json").read_text(encoding="utf-8"))
    trunk = ResultFolder.open(results / "virions").trunk
    nodes = [node for one in evidence["nodes"] for node in one["nodes"]]
    assert evidence["node"] == evidence["nodes"][0]
    assert min(nodes) >= 1
    assert max(nodes) <= len(trunk.parents)
    assert "outside the membrane" in evidence["node"]["reason"]
    detected = evidence["peaks"]["share_detected"]
    assert all(0 <= share <= 1 for share in detected.values())


def test_the_result_opens_with_its_volume(results):
    (result,) = result_folders(results)
    assert result.record["command"] == "spikes"
    assert result.record["spikes"]["working_voxel_nm"] == 4.5
    volume = result.image()
    assert volume is not None
    pieces = io.read(results / "spikes.mrc")
    assert pieces.spatial_shape == volume.spatial_shape == result.shape
    numbers = np.unique(pieces.read()[0])
    assert len(numbers) - 1 == len(read_particles(results / "spikes.csv"))


def test_a_model_is_taken_and_a_node_is_obeyed(run, folder, results, tmp_path):
    evidence = json.loads((results / "spikes.json").read_text(encoding="utf-8"))
    other = evidence["nodes"][-1]["nodes"]
    done = run(
        *("spikes", folder / "tomogram.mrc", "--particles", folder / "particles.star"),
        *("-o", tmp_path / "out", "-m", results / "virions" / "model.safetensors"),
        *("--node", *other, "--working-voxel-nm", "4.5", "--threads", "1", "--quiet"),
    )
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("virion 2: ")
    again = json.loads((tmp_path / "out" / "spikes.json").read_text(encoding="utf-8"))
    assert again["node"]["nodes"] == other


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--node", "0"), "--node must be numbers of nodes, from 1 on, got (0,)"),
        (("--classes", "vesicle"), "must hold particles of vesicle, and holds ribosome, virion"),
        (("--height-nm", "-3"), "height_nm must be a length above 0 nm, got -3"),
        (("--confidence", "2"), "confidence must be between 0 and 1"),
    ],
)
def test_wrong_words_are_refused_and_leave_nothing(run, folder, tmp_path, words, message):
    done = run(
        *("spikes", folder / "tomogram.mrc", "--particles", folder / "particles.csv"),
        *("-o", tmp_path / "out", *QUICK, *words),
    )
    assert done.code in {1, 2}
    assert message in " ".join((done.out + done.err).replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_goes_on_with_what_was_learned(
    run, folder, results, tmp_path, monkeypatch
):
    from gyrovox.particles.spikes import discovery
    from gyrovox.training import loop

    words = (
        *("spikes", folder / "tomogram.mrc", "--particles", folder / "particles.csv"),
        *("-o", tmp_path / "out", *QUICK),
    )
    with monkeypatch.context() as patched:
        patched.setattr(discovery, "discovered", _interrupt)
        stopped = run(*words)
    assert stopped.code == 130
    assert "the same command goes on" in stopped.err
    assert not (tmp_path / "out").exists()
    assert run_folder(tmp_path / "out").exists()
    with monkeypatch.context() as patched:
        patched.setattr(loop._Update, "take", _interrupt)  # no step is left to take
        done = run(*words)
    assert done.code == 0
    assert not run_folder(tmp_path / "out").exists()
    for name in ("counts.csv", "spikes.star", "spikes.mrc"):
        assert (tmp_path / "out" / name).read_bytes() == (results / name).read_bytes()


def _interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_membrane_that_is_not_as_wide_as_it_was_picked_is_said(run, folder, results, tmp_path):
    every = read_particles(folder / "particles.csv")
    wide = replace(every, diameters_nm=np.array([25.0, 2 * RADIUS_NM * 1.4]))
    write_particles(wide, tmp_path / "wide.csv")
    done = run(
        *("spikes", folder / "tomogram.mrc", "--particles", tmp_path / "wide.csv"),
        *("-o", tmp_path / "out", "-m", results / "virions" / "model.safetensors"),
        *("--working-voxel-nm", "4.5", "--threads", "1"),
    )
    assert done.code == 0
    assert "virion 2 was picked 84 nm wide, and its membrane found 6" in done.err


def test_an_output_that_is_there_is_kept(run, folder, results):
    before = (results / "counts.csv").read_bytes()
    done = run(
        *("spikes", folder / "tomogram.mrc", "--particles", folder / "particles.csv"),
        *("-o", results, *QUICK),
    )
    assert done.code == 1
    assert "must not exist yet" in done.err
    assert (results / "counts.csv").read_bytes() == before


def test_settings_of_a_model_cannot_be_changed(run, folder, results, tmp_path):
    done = run(
        *("spikes", folder / "tomogram.mrc", "--particles", folder / "particles.csv"),
        *("-o", tmp_path / "out", "-m", results / "virions" / "model.safetensors"),
        *("--training.steps", "7", "--quiet"),
    )
    assert done.code == 1
    assert "a trained model has its own settings" in done.err
