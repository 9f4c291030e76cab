import time

import pytest
from benchmarks.speed import interleaved
from benchmarks.speed.interleaved import compare


def test_every_round_runs_everyone_once_in_rotating_order():
    called = []
    competitors = {name: (lambda name=name: called.append(name)) for name in "abc"}
    compare(competitors, repeats=3, baseline="a")
    assert "".join(called) == "abc" + "abc" + "bca" + "cab"


def test_ratios_are_to_the_baseline_of_the_same_round(monkeypatch):
    # Warming up; then a 1 s, b 2 s; then b 6 s, a 3 s.
    clock = iter([0, 0, 0, 0, 0, 1, 1, 3, 0, 6, 6, 9])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    table = compare({"a": int, "b": int}, repeats=2, baseline="a")
    assert table.ratio("b") == 2.0
    assert table.rows[1].median_s == 4.0
    assert table.rows[1].fastest_s == 2.0


def test_a_table_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(interleaved, "RESULTS", tmp_path / "results")
    path = compare({"a": int, "b": int}, repeats=2, baseline="a").write("x", title="A title")
    assert path == tmp_path / "results" / "x.md"
    assert path.read_text().startswith("# A title\n")
    assert "| a |" in path.read_text()


def test_a_baseline_that_does_not_compete_is_refused():
    with pytest.raises(ValueError, match=r"baseline must be one of \['a'\], and it is 'b'"):
        compare({"a": int}, repeats=2, baseline="b")
    with pytest.raises(ValueError, match="repeats must be at least 2, and it is 1"):
        compare({"a": int}, repeats=1, baseline="a")
