"""`gyrovox plan`."""

import pytest


@pytest.mark.slow
def test_a_plan_says_time_memory_disk_and_workers(run, phantom_file, model_file):
    words = ("-m", model_file, "--threads", "1", "--quiet")
    done = run("plan", phantom_file, *words, "--levels", "2", "4")
    assert (done.code, done.err) == (0, "")
    for row in ("volume", "tiles", "workers", "time", "peak memory", "disk"):
        assert f"\n{row}" in f"\n{done.out}"
    assert "1 of at most 24 x 24 x 24 voxels" in done.out
    assert "  train " not in done.out
    assert done.out.endswith("--workers 1\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--workers", "0"), "--workers must be at least 1, got 0"),
        (("--levels", "1"), "--levels must be between 2 and 65536, got 1"),
        (("--levels", "auto", "--clustering", "kmeans"), "--levels auto asks the tree"),
        (("--device", "tpu"), "device must be 'auto'"),
    ],
    ids=str,
)
def test_what_cannot_be_planned_is_one_line(run, phantom_file, words, message):
    done = run("plan", phantom_file, *words)
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_volume_that_is_not_there_is_one_line(run, tmp_path):
    done = run("plan", tmp_path / "none.mrc")
    assert done.code == 1
    assert "the file must exist" in done.err
