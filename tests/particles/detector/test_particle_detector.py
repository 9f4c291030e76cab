"""A trained detector: what it finds, in tiles as in the whole, and from a file as from memory."""

import numpy as np
import pytest
import torch

from gyrovox.errors import ModelFileError, SettingsError, VoxelSizeError
from gyrovox.io.model_file import write_model
from gyrovox.particles.detector.network import RetinaNet
from gyrovox.particles.detector.particle_detector import ParticleDetector
from gyrovox.volumes import Volume


def volume_of(example, size=4.0):
    # Dense matter is dark in a tomogram.
    return Volume.from_array(-example.voxels, voxel_size_nm=(size, size, size), name="a tomogram")


def test_it_finds_what_it_learned_to_find(trained, unseen):
    for example in unseen:
        found = trained.detect(volume_of(example), device="cpu", quiet=True)
        assert len(found) == len(example.boxes)
        for box, number in zip(example.boxes, example.classes, strict=True):
            gaps = np.linalg.norm(found.positions - box[:3], axis=1)
            nearest = int(gaps.argmin())
            assert gaps[nearest] < 9 / 4  # half a radius
            assert found.classes[nearest] == ("ball", "hole")[number]
            assert found.diameters_nm[nearest] == pytest.approx(36, rel=0.2)
        assert found.tomogram == "a-tomogram"
        assert (np.diff(found.scores) <= 0).all()


def test_bright_tomograms_are_told_to_be(trained, unseen):
    inverted = Volume.from_array(unseen[0].voxels, voxel_size_nm=(4.0, 4.0, 4.0))
    found = trained.detect(inverted, contrast="bright", device="cpu", quiet=True)
    same = trained.detect(volume_of(unseen[0]), device="cpu", quiet=True)
    np.testing.assert_allclose(found.positions, same.positions, atol=1e-4)


def test_tiles_find_what_the_whole_finds(trained, balls):
    voxels = balls(5, shape=(20, 70, 50), count=9).voxels
    whole = trained.boxes(voxels, threshold=0.05, device="cpu", tile=1024)
    tiled = trained.boxes(voxels, threshold=0.05, device="cpu", tile=16)
    assert len(whole[0]) >= 9
    for one, other in zip(whole, tiled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_coarser_and_finer_tomograms_are_resampled(trained, unseen):
    example = unseen[0]
    fine = np.repeat(np.repeat(np.repeat(-example.voxels, 2, 0), 2, 1), 2, 2)
    finer = Volume.from_array(fine, voxel_size_nm=(2.0, 2.0, 2.0))
    same = trained.detect(volume_of(example), device="cpu", quiet=True)
    found = trained.detect(finer, device="cpu", quiet=True)
    assert found.shape == (32, 96, 96)
    assert found.voxel_size_nm == 2.0
    assert len(found) == len(same)
    # Voxel 0 of 4 nm lies between voxels 0 and 1 of 2 nm.
    gaps = np.linalg.norm(found.positions[:, None] - (2 * same.positions + 0.5), axis=-1)
    assert gaps.min(axis=0).max() < 3.0


def test_a_stricter_threshold_leaves_the_surer_ones(trained, unseen):
    loose = trained.detect(volume_of(unseen[0]), threshold=0.05, device="cpu", quiet=True)
    strict = trained.detect(volume_of(unseen[0]), threshold=0.5, device="cpu", quiet=True)
    assert strict.scores.tolist() == [score for score in loose.scores if score >= 0.5]
    assert len(strict) < len(loose)


def test_it_is_kept_in_a_file(trained, unseen, tmp_path):
    path = tmp_path / "detector.safetensors"
    trained.save(path)
    stored = ParticleDetector.load(path)
    assert stored.settings == trained.settings
    assert stored.threshold == 0.2
    assert stored.about == {"steps": 150}
    ours = trained.detect(volume_of(unseen[0]), device="cpu", quiet=True)
    theirs = stored.detect(volume_of(unseen[0]), device="cpu", quiet=True)
    np.testing.assert_allclose(theirs.positions, ours.positions, atol=0.02)
    np.testing.assert_allclose(theirs.scores, ours.scores, atol=2e-3)


def test_a_file_of_something_else_is_refused(tmp_path, trained):
    path = tmp_path / "other.safetensors"
    write_model(path, {"a": np.zeros(1, np.float32)}, {"kind": "other"})
    with pytest.raises(ModelFileError, match="holds something else"):
        ParticleDetector.load(path)
    facts = {"kind": "particle-detector", "detector": trained.settings.plain_values()}
    write_model(path, {"a": np.zeros(1, np.float32)}, facts | {"threshold": 0.5, "about": {}})
    with pytest.raises(ModelFileError, match="does not hold what its configuration says"):
        ParticleDetector.load(path)
    arrays = {name: value.numpy() for name, value in trained.network.state_dict().items()}
    spoilt = arrays | {"smooth.0.bias": np.full(12, np.nan, np.float32)}
    write_model(path, spoilt, facts | {"threshold": 0.5, "about": {}})
    with pytest.raises(ModelFileError, match=r"smooth\.0\.bias must be finite"):
        ParticleDetector.load(path)


def test_settings_are_checked_before_any_work(trained, unseen, settings):
    with pytest.raises(SettingsError, match=r"must be between 0 and 1, got 1\.5"):
        trained.detect(volume_of(unseen[0]), threshold=1.5)
    with pytest.raises(SettingsError, match=r"must be between 0 and 1, got -1"):
        ParticleDetector(RetinaNet(settings), threshold=-1.0)
    with pytest.raises(SettingsError, match="at least 4 voxels wide, got 3"):
        trained.detect(volume_of(unseen[0]), tile=3, device="cpu")
    with pytest.raises(VoxelSizeError, match="the size of a voxel must be known"):
        trained.detect(Volume.from_array(unseen[0].voxels))
