import errno

import pytest

from gyrovox.errors import OutputSpaceError, RunLockedError, RunMismatchError
from gyrovox.pipeline.run_folder import opened_run, put_in_place, run_folder


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def begun(output, fingerprint, name="a"):
    """A run that has written one piece and is broken off."""
    with (
        opened_run(output, fingerprint, overwrite=False) as ledger,
        ledger.write("stage", name, ".txt") as path,
    ):
        path.write_text(name)


def test_it_lies_hidden_beside_the_output(tmp_path):
    assert run_folder(tmp_path / "codes.zarr") == tmp_path / ".codes.zarr.gyrovox-run"


def test_what_is_finished_stays_for_the_same_run(tmp_path):
    begun(tmp_path / "out", {"levels": [2, 4]})
    with opened_run(tmp_path / "out", {"levels": [2, 4]}, overwrite=False) as ledger:
        assert ledger.done("stage", "a")
        assert not ledger.done("stage", "b")


def test_another_run_is_refused_and_overwrite_throws_it_away(tmp_path):
    begun(tmp_path / "out", {"levels": [2, 4]})
    with (
        pytest.raises(RunMismatchError, match=r"levels \(was \[2, 4\], is \[3\]\)"),
        opened_run(tmp_path / "out", {"levels": [3]}, overwrite=False),
    ):
        pytest.fail("it was let in")
    with opened_run(tmp_path / "out", {"levels": [3]}, overwrite=True) as ledger:
        assert not ledger.done("stage", "a")
        assert "stage" not in left(ledger.folder)


def test_overwrite_goes_on_with_the_same_run(tmp_path):
    begun(tmp_path / "out", {"levels": [3]})
    with opened_run(tmp_path / "out", {"levels": [3]}, overwrite=True) as ledger:
        assert ledger.done("stage", "a")


def test_a_second_run_is_refused_even_to_overwrite(tmp_path):
    with (
        opened_run(tmp_path / "out", {}, overwrite=False),
        pytest.raises(RunLockedError, match="one run at a time"),
        opened_run(tmp_path / "out", {"other": 1}, overwrite=True),
    ):
        pytest.fail("it was let in")


@pytest.mark.parametrize("earlier", [None, "file", "folder"])
def test_the_output_takes_its_place_and_the_run_is_gone(tmp_path, earlier):
    output = tmp_path / "out"
    with opened_run(output, {}, overwrite=False) as ledger:
        made = ledger.folder / "made"
        if earlier == "folder":
            output.mkdir()
            (output / "old").touch()
            made.mkdir()
            (made / "new").touch()
        else:
            made.write_text("new")
            if earlier == "file":
                output.write_text("old")
        put_in_place(ledger, made, output)
    assert left(tmp_path) == ["out"]
    assert left(output) == ["new"] if earlier == "folder" else output.read_text() == "new"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ((), "interrupted; the same command goes on with what is missing."),
        (("stopped; the same command goes on",), "stopped; the same command goes on"),
    ],
)
def test_an_interruption_says_that_the_run_goes_on(tmp_path, said, heard):
    with (
        pytest.raises(KeyboardInterrupt) as raised,
        opened_run(tmp_path / "out", {}, overwrite=False),
    ):
        raise KeyboardInterrupt(*said)
    assert str(raised.value) == heard
    assert left(tmp_path) == [".out.gyrovox-run"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OutputSpaceError("x: No space left on device. Nothing was written"),
    ],
)
def test_a_full_disk_says_that_the_run_goes_on(tmp_path, error):
    with (
        pytest.raises(OutputSpaceError, match=r"is kept: free some space, and the same command"),
        opened_run(tmp_path / "out", {}, overwrite=False),
    ):
        raise error
    assert left(tmp_path) == [".out.gyrovox-run"]


def test_other_errors_are_left_as_they_are(tmp_path):
    with (
        pytest.raises(PermissionError, match=r"^not yours$"),
        opened_run(tmp_path / "out", {}, overwrite=False),
    ):
        raise PermissionError("not yours")
