"""Examples from one's own tomograms: found in folders, with their particles."""

import dataclasses

import numpy as np
import pytest

from gyrovox import io
from gyrovox.errors import MissingFileError, ParticleError
from gyrovox.io.particle_files import write_particles
from gyrovox.particles.detector.own_examples import own_examples, pairs_in
from gyrovox.volumes import ParticleTable, Volume


def put(folder, name, example, *, suffix=".star", diameters=True, size=4.0):
    """A tomogram and its particles, as a person keeps them."""
    folder.mkdir(exist_ok=True)
    volume = Volume.from_array(-example.voxels, voxel_size_nm=(size, size, size))
    io.write(volume, folder / f"tomogram{name}.mrc")
    table = ParticleTable(
        positions=example.boxes[:, :3].astype(float),
        shape=example.voxels.shape,
        voxel_size_nm=size,
        classes=tuple(("ball", "hole")[number] for number in example.classes),
        diameters_nm=example.boxes[:, 3].astype(float) * size if diameters else None,
    )
    write_particles(table, folder / f"particles{name}{suffix}")


@pytest.mark.parametrize("suffix", [".star", ".csv"])
def test_what_was_written_is_learned_from(tmp_path, examples, suffix):
    put(tmp_path / "a", "", examples[0], suffix=suffix)
    put(tmp_path / "b", "-001", examples[1], suffix=suffix)
    put(tmp_path / "b", "-002", examples[2], suffix=suffix)
    settings, found = own_examples(
        [tmp_path / "b", tmp_path / "a"], ("ball",), voxel_size_nm=4.0, quiet=True
    )
    assert settings.classes == ("ball",)
    assert settings.voxel_size_nm == 4.0
    anchors = [size for level in settings.anchors_nm for size in level]
    assert min(anchors) < 36 < max(anchors)
    for one, example in zip(found, [examples[1], examples[2], examples[0]], strict=True):
        np.testing.assert_allclose(one.boxes, example.boxes[example.classes == 0], atol=1e-3)
        inner = np.abs(example.voxels) < 3
        correlation = np.corrcoef(one.voxels[inner], example.voxels[inner])[0, 1]
        assert correlation > 0.99


def test_sizes_decide_the_grid(tmp_path, examples):
    put(tmp_path / "a", "", examples[0])
    settings, _ = own_examples([tmp_path / "a"], ("ball", "hole"), quiet=True)
    assert settings.voxel_size_nm == pytest.approx(36 / 1.05 / 20)


def test_what_is_missing_is_named(tmp_path, examples):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="must hold a tomogram whose name begins with"):
        pairs_in(tmp_path / "empty")
    put(tmp_path / "a", "-7", examples[0])
    (tmp_path / "a" / "particles-7.star").unlink()
    with pytest.raises(MissingFileError, match=r"must lie its particles, particles-7\.star or"):
        own_examples([tmp_path / "a"], ("ball",), quiet=True)
    put(tmp_path / "b", "", examples[0])
    with pytest.raises(ParticleError, match="the tables hold only ball, hole"):
        own_examples([tmp_path / "b"], ("virion",), quiet=True)
    empty = dataclasses.replace(examples[0])
    put(tmp_path / "c", "", empty, diameters=False)
    with pytest.raises(ParticleError, match=r"must have diameters, and these have none\. Add"):
        own_examples([tmp_path / "c"], ("ball",), quiet=True)
