"""What a command says."""

import pytest

from gyrovox.cli.terminal import complain, note, say, storage


def test_results_go_out_and_complaints_in_one_line_to_the_other_side(capsys):
    say("result")
    complain("an error\n  over two lines")
    note("by the way", quiet=False)
    note("never seen", quiet=True)
    captured = capsys.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "gyrovox: an error over two lines\nby the way\n"


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (512, "512 B"), (125_000, "125 kB"), (2 * 10**9, "2 GB")]
)
def test_storage_has_a_unit(size, shown):
    assert storage(size) == shown
