"""`gyrovox denoise`."""

import re

import mrcfile
import numpy as np
import pytest

from gyrovox import io
from gyrovox.tomography.denoising import (
    Gaussian,
    Noise2Noise,
    NonLocalMeans,
    TotalVariation,
    denoise,
    training,
)
from gyrovox.volumes import Volume

TINY = ("--n2n.steps", "3", "--n2n.channels", "2", "3", "--n2n.crop-size", "8", "--threads", "1")


@pytest.fixture(scope="module")
def files(tmp_path_factory, image):
    """A tomogram and its halves, of 2 nm voxels."""
    folder = tmp_path_factory.mktemp("tomograms")
    noise = np.random.default_rng(0).normal(size=(2, *image.shape)).astype(np.float32)
    halves = image + noise
    for name, voxels in zip(("even", "odd", "both"), (*halves, halves.mean(axis=0)), strict=True):
        volume = Volume.from_array(voxels, voxel_size_nm=(2.0, 2.0, 2.0))
        io.write(volume, folder / f"{name}.mrc")
    return folder


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (("--method", "gaussian", "--sigma", "1.5"), Gaussian(sigma=1.5)),
        (("--method", "nlm", "--strength", "0.9"), NonLocalMeans(strength=0.9)),
        (("--method", "tv", "--weight", "0.5"), TotalVariation(weight=0.5)),
    ],
)
def test_a_filter_is_written_over_the_tomogram(run, files, tmp_path, words, way):
    path = tmp_path / "out.mrc"
    done = run("denoise", files / "both.mrc", "-o", path, *words, "--quiet", "--threads", "1")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert mrcfile.validate(path)
    source, found = io.read(files / "both.mrc"), io.read(path)
    np.testing.assert_allclose(found.read()[0], denoise(source, way), rtol=0, atol=1e-4)
    assert found.voxel_size_nm == pytest.approx(source.voxel_size_nm)
    assert [left.name for left in tmp_path.iterdir()] == ["out.mrc"]


def test_a_network_is_learned_kept_and_used_again(run, files, tmp_path):
    halves = ("--halves", files / "even.mrc", files / "odd.mrc")
    learned, again = tmp_path / "learned.mrc", tmp_path / "again.ome.zarr"
    kept = tmp_path / "models" / "n2n.safetensors"
    done = run("denoise", files / "both.mrc", "-o", learned, *halves, *TINY, "--save-model", kept)
    assert (done.code, done.out) == (0, "")
    assert f"the denoised tomogram is in {learned}" in done.err
    done = run("denoise", files / "both.mrc", "-o", again, *halves, "-m", kept, "--quiet")
    assert (done.code, done.err) == (0, "")
    first, second = io.read(learned).read(), io.read(again).read()
    assert np.array_equal(first, second)
    volumes = [io.read(files / f"{name}.mrc") for name in ("both", "even", "odd")]
    expected = denoise(volumes[0], Noise2Noise.load(kept, device="cpu"), halves=volumes[1:])
    np.testing.assert_allclose(first[0], expected, rtol=0, atol=1e-5)
    alone = tmp_path / "alone.mrc"
    done = run("denoise", files / "odd.mrc", "-o", alone, "-m", kept, "--quiet")
    assert (done.code, done.err) == (0, "")
    names = sorted(left.name for left in tmp_path.iterdir())
    assert names == ["again.ome.zarr", "alone.mrc", "learned.mrc", "models"]


def test_without_halves_it_says_what_to_do(run, files, tmp_path):
    done = run("denoise", files / "both.mrc", "-o", tmp_path / "out.mrc")
    assert done.code == 1
    assert "Reconstruct the halves with `gyrovox reconstruct --halves`" in done.err
    assert "or choose --method gaussian, nlm or tv" in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "tv", "-m", "model.safetensors"), "belong to --method n2n, and --method is"),
        (("--method", "gaussian", "--sigma", "-1"), "sigma must be 0 or positive, got -1"),
        (("-m", "absent.safetensors"), "absent.safetensors is no file"),
        (("-m", "a.safetensors", "--save-model", "b.safetensors"), "Leave one of them away"),
        (("--halves", "even", "small"), "a tomogram and its halves must have the same shape"),
        (("--halves", "even", "absent"), "absent.mrc: the file must exist, and does not"),
        (("--halves", "even", "odd", "--save-model", "m.npz"), "must end in .safetensors"),
        (("--halves", "even", "odd", "--checkpoint-every", "-1"), "--checkpoint-every must be 0"),
        (("--halves", "even", "odd", "--n2n.crop-size", "32"), "must have at least 32 voxels"),
        (("--method", "tv", "-o", "there.mrc"), "must not exist yet"),
        (("--method", "tv", "-o", "out.png"), "out.png"),
    ],
)
def test_what_is_wrong_is_one_line(run, files, tmp_path, words, message):
    (tmp_path / "there.mrc").touch()
    io.write(Volume.from_array(np.zeros((5, 5, 5), np.float32)), tmp_path / "small.mrc")
    paths = {
        "even": files / "even.mrc",
        "odd": files / "odd.mrc",
        "small": tmp_path / "small.mrc",
        "absent": tmp_path / "absent.mrc",
    }
    given = [paths.get(word, word) for word in words]
    given = [tmp_path / word if str(word) in {"there.mrc", "out.png"} else word for word in given]
    output = () if "-o" in words else ("-o", tmp_path / "out.mrc")
    done = run("denoise", files / "both.mrc", *output, *given)
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert sorted(left.name for left in tmp_path.iterdir()) == ["small.mrc", "there.mrc"]


def test_the_tomogram_is_never_replaced_by_its_denoised_self(run, files):
    before = (files / "both.mrc").read_bytes()
    done = run(
        "denoise", files / "both.mrc", "-o", files / "both.mrc", "--method", "tv", "--overwrite"
    )
    assert done.code == 1
    assert "would be replaced by the output" in done.err
    assert (files / "both.mrc").read_bytes() == before


def test_an_interrupted_run_goes_on(run, files, tmp_path, monkeypatch):
    words = (
        "denoise",
        files / "both.mrc",
        "--halves",
        files / "even.mrc",
        files / "odd.mrc",
        *TINY,
    )
    whole = tmp_path / "whole.mrc"
    assert run(*words, "-o", whole, "--quiet").code == 0
    step, taken = training._Run.step, []

    def once(self, pairs):
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(None)
        return step(self, pairs)

    path = tmp_path / "parts.mrc"
    with monkeypatch.context() as patched:
        patched.setattr(training._Run, "step", once)
        done = run(*words, "-o", path, "--checkpoint-every", "0", "--quiet")
    assert done.code == 130
    assert "the same command goes on from the last checkpoint" in done.err
    hidden = tmp_path / ".parts.mrc.gyrovox-run"
    assert hidden.is_dir()
    done = run(*words, "-o", path)
    assert done.code == 0
    assert re.search(r"going on from .*parts.mrc.gyrovox-run", done.err)
    assert np.array_equal(io.read(path).read(), io.read(whole).read())
    assert not hidden.exists()
