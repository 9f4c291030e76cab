"""A small finished segmentation, and what there is to say of it."""

from dataclasses import replace
from functools import partial

import pytest
from slab_result import write_slabs

from gyrovox.report.page import FinishedRun
from gyrovox.settings import CATALOGUE, plain_values


@pytest.fixture
def write_run(tmp_path):
    """Write a finished run into a folder."""
    return partial(write_slabs, tmp_path / "result")


@pytest.fixture
def folder(write_run):
    """A finished run with a tree."""
    return write_run()


@pytest.fixture
def opened(folder):
    """It, its slices, and what there is to say of it."""
    run = FinishedRun.open(folder)
    seen = run.views()
    return run, seen, run.subject(seen, place="out/scan")


@pytest.fixture
def kmeans_settings():
    """Settings of a run without a tree."""
    default = CATALOGUE["default"]
    how = replace(default.segmentation, clustering="kmeans")
    return plain_values(replace(default, segmentation=how))
