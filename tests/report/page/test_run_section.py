"""What was run, how it was scored, what to do next, what to cite."""

import re
from dataclasses import replace

import pytest

from gyrovox.report.page.caveats import caveats
from gyrovox.report.page.run_section import (
    cite,
    evaluation,
    finished,
    next_steps,
    run_facts,
    sureness,
    total_s,
    volume_line,
)
from gyrovox.settings.citations import citations

LEVEL = {
    "mean_dice": 0.91234,
    "mean_iou": 0.8,
    "adjusted_rand": 0.7,
    "variation_of_information": 1.25,
}


@pytest.fixture
def subject(opened):
    return opened[2]


def test_every_caveat_is_told(subject):
    made = sureness(subject)
    wanted = caveats(subject)
    assert re.findall(r'data-kind="([^"]+)"', made) == [one.kind for one in wanted]
    sound = replace(
        subject,
        scores={"a": LEVEL},
        levels={2: subject.levels[2]},
        record={**subject.record, "inputs": []},
    )
    assert "<li" not in sureness(sound)
    assert "Nothing in the data" in sureness(sound)


def test_scores_are_shown_where_there_are_any(subject):
    assert evaluation(subject) == ""
    tree = {"levels": [{"mean_oracle_dice": 0.5, "parent_child_consistency": None}]}
    made = evaluation(replace(subject, scores={"<level> 1": LEVEL, "tree": tree}))
    assert "0.912" in made
    assert "1.250" in made
    assert "&lt;level&gt; 1" in made
    assert "truth 1" in made
    assert "0.500" in made
    # A file of somebody else's making is no reason to show nothing at all.
    assert evaluation(replace(subject, scores={"a": 3, "tree": {"levels": 4}})) == ""


def test_the_run_is_described(subject):
    made = run_facts(subject)
    for words in (
        "tree of at most 1024 regions, built on texture",
        "trained in this run, 400 steps, seed 7",
        "2 coordinates, Poincaré ball, curvature -1",
        "6 × 12 × 10 voxels (z, y, x) of 2 nm",
        "512 MiB of RAM",
        "1 min 04 s in all",
        "2026-11-26 11:09 UTC",
        "python 3.11.7, gyrovox 0.1.0",
    ):
        assert words in made
    assert "trained before, old.safetensors" in run_facts(
        replace(subject, record={**subject.record, "model_file": "old.safetensors"})
    )


def test_a_record_of_nothing_is_still_shown(subject):
    bare = replace(subject, record={})
    assert "What was run" in run_facts(bare)
    assert cite(bare) == ""
    assert finished({}) == finished({"finished": "yesterday"}) == ""
    assert total_s({"timings_s": {"a": 1, "b": "x"}}) == 1.0
    assert total_s({}) == 0.0


def test_a_hostile_record_is_text(subject):
    hostile = {
        **subject.record,
        "device": "<script>alert(1)</script>",
        "mask": "</pre><script>",
        "versions": {"<img src=x>": "1"},
        "timings_s": {"<b>": 1.0},
    }
    made = run_facts(replace(subject, record=hostile))
    assert "<script" not in made
    assert "<img" not in made
    assert "<b>" not in made


def test_commands_can_be_pasted(subject):
    made = next_steps(replace(subject, place="my results/$(rm -rf x)"))
    assert "gyrovox view &#x27;my results/$(rm -rf x)&#x27;" in made
    assert "gyrovox report" in made
    assert "gyrovox view" not in next_steps(replace(subject, trunk=None))


def test_papers_are_those_of_the_run(subject):
    made = cite(subject)
    for paper in citations(subject.configuration):
        assert f'href="{paper.url}"' in made
        assert f"{{{paper.key}," in made


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, "voxels (z, y, x) of unknown size"),
        ((2e6, 1e6, 1e6), "of 2 mm × 1 mm × 1 mm"),
        ((0.5, 0.5, 0.5), "of 5 Å"),
    ],
)
def test_the_volume_is_told_in_a_line(subject, size, words):
    assert volume_line(replace(subject, voxel_size_nm=size)).endswith(words)
