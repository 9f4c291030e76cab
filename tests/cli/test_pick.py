"""`gyrovox pick`: particles of a tomogram, by all three ways."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox.io.particle_files import read_particles
from gyrovox.particles.detector.network import RetinaNet
from gyrovox.particles.detector.particle_detector import ParticleDetector
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.volumes import Volume

PLACES = np.array([[16, 14, 14], [16, 34, 36]])


@pytest.fixture(scope="module")
def voxels():
    """Two dark balls of 20 nm in noise, 2 nm voxels."""
    voxels = 0.5 * np.random.default_rng(0).standard_normal((32, 48, 48)).astype(np.float32)
    for place in PLACES:
        gaps = np.linalg.norm(np.indices(voxels.shape) - place[:, None, None, None], axis=0)
        voxels[gaps < 5] -= 2.0
    return voxels


@pytest.fixture
def tomogram(voxels, write):
    return write(voxels, "my tomogram.mrc", voxel_size_nm=(2.0, 2.0, 2.0))


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """One that has learned nothing, of two classes: everything scores about a half."""
    settings = DetectorSettings(
        classes=("ball", "hole"), voxel_size_nm=2.0, anchors_nm=((20.0,),), stages=(4, 4)
    )
    network = RetinaNet(settings)
    network.class_subnet[-1].bias.data.zero_()
    path = tmp_path_factory.mktemp("detector") / "detector.safetensors"
    ParticleDetector(network).save(path)
    return path


def test_balls_are_found_and_counted(run, tomogram, tmp_path):
    output = tmp_path / "out" / "particles.star"
    done = run(
        "pick", tomogram, "-o", output, "--method", "dog", "--diameter-nm", 20, "--threshold", 8,
        "--name", "ball", "--quiet",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out == f"2 particles (2 ball) in {tomogram}\n"
    found = read_particles(output)
    order = found.positions[:, 1].argsort()
    np.testing.assert_allclose(found.positions[order], PLACES, atol=1.0)
    assert found.tomogram == "my-tomogram"
    assert found.shape == (32, 48, 48)
    assert found.classes == ("ball", "ball")
    assert found.diameters_nm.tolist() == [20.0, 20.0]


def test_a_template_is_matched(run, tomogram, tmp_path, write):
    gaps = np.linalg.norm(np.indices((17, 17, 17)) - 8, axis=0)
    ball = write((gaps < 5).astype(np.float32), "ball.mrc", voxel_size_nm=(2.0, 2.0, 2.0))
    output = tmp_path / "particles.csv"
    done = run(
        "pick", tomogram, "-o", output, "--method", "template", "--template", ball,
        "--diameter-nm", 24, "--angular-step", 360, "--threshold", 8, "--quiet",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = read_particles(output)
    order = found.positions[:, 1].argsort()
    np.testing.assert_allclose(found.positions[order], PLACES, atol=1.0)
    np.testing.assert_allclose(found.rotations, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-6)


def test_a_detector_is_asked_for_its_classes(run, tomogram, tmp_path, detector):
    every, some = tmp_path / "every.star", tmp_path / "some.star"
    words = ("pick", tomogram, "-m", detector, "--threshold", 0.3, "--quiet")
    assert run(*words, "-o", every).code == 0
    assert run(*words, "-o", some, "--classes", "hole").code == 0
    assert set(read_particles(every).classes) == {"ball", "hole"}
    assert set(read_particles(some).classes) == {"hole"}
    done = run(*words, "-o", tmp_path / "none.star", "--classes", "virion")
    assert done.code == 1
    assert "some of those that the detector knows, ball, hole, and 'virion' came" in done.err


def test_the_voxel_size_may_be_given(run, voxels, tmp_path):
    path = tmp_path / "unknown.mrc"
    io.write(Volume.from_array(voxels), path)
    words = ("pick", path, "--method", "dog", "--diameter-nm", 20, "--threshold", 8, "--quiet")
    done = run(*words, "-o", tmp_path / "a.star")
    assert done.code == 1
    assert "Pass --voxel-size-nm" in done.err
    done = run(*words, "-o", tmp_path / "a.star", "--voxel-size-nm", 2)
    assert done.code == 0, done.err
    assert read_particles(tmp_path / "a.star").voxel_size_nm == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "dog"), "--method dog must know how large the particles are"),
        (("--method", "template", "--diameter-nm", 5), "must know what to look for"),
        (("--diameter-nm", 5), "--diameter-nm belongs to --method dog or template"),
        (("--method", "dog", "--classes", "a", "--diameter-nm", 5), "--classes belongs to"),
        (("--voxel-size-nm", -1), "--voxel-size-nm must be positive, got -1"),
    ],
)
def test_what_does_not_belong_together_is_refused(run, tomogram, tmp_path, words, message):
    done = run("pick", tomogram, "-o", tmp_path / "a.star", *words)
    assert done.code == 1
    assert message in done.err


def test_outputs_are_not_replaced_unless_asked(run, tomogram, tmp_path):
    output = tmp_path / "a.star"
    output.write_text("mine", encoding="utf-8")
    words = ("pick", tomogram, "-o", output, "--method", "dog", "--diameter-nm", 20, "--quiet")
    done = run(*words)
    assert done.code == 1
    assert "must not exist yet" in done.err
    assert output.read_text(encoding="utf-8") == "mine"
    assert run(*words, "--overwrite").code == 0
    assert len(read_particles(output)) >= 2
    done = run("pick", tomogram, "-o", tmp_path / "a.txt", "--method", "dog", "--diameter-nm", 20)
    assert done.code == 1
    assert "must end in one of .star" in done.err
