"""Training curves."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gyrovox.errors import PictureError
from gyrovox.io.model_file import read_model
from gyrovox.report.pictures import curves
from gyrovox.report.pictures.curves import kept_curves
from gyrovox.results import ResultFolder


def changed(folder, tmp_path, value):
    """The result, with other curves in its model."""
    shutil.copytree(folder, tmp_path / "cell")
    path = tmp_path / "cell" / "model.safetensors"
    arrays, facts = load_file(path), read_model(path)[1]
    facts["curves"] = value
    save_file(arrays, path, metadata={"gyrovox": json.dumps(facts)})
    return ResultFolder.open(tmp_path / "cell")


def test_each_part_of_the_loss_has_a_panel_with_its_values(result, said, drawn):
    figure = curves(result)
    kept = kept_curves(result)
    assert kept.steps == 3
    assert len(figure.axes) == 4
    for axes, values in zip(figure.axes, kept.columns().values(), strict=True):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), values)
    assert "training: 3 steps" in said(figure)
    drawn(figure)


def test_the_dark_line_is_a_running_mean(folder, tmp_path):
    values = np.random.default_rng(0).normal(5, 1, 100).round(4).tolist()
    plain = {"steps": 200, "block": 2, "loss": values}
    plain |= dict.fromkeys(("reconstruction", "divergence", "triplet"), values)
    axes = curves(changed(folder, tmp_path, plain)).axes[0]
    steps, means = axes.lines[1].get_data()
    assert len(means) == 96
    assert means[10] == pytest.approx(np.mean(values[10:15]))
    assert steps[10] == pytest.approx(2 * 12.5)


def test_a_model_of_before_has_no_curves(folder, tmp_path):
    with pytest.raises(PictureError, match="holds no training curves"):
        curves(changed(folder, tmp_path, None))


def test_damaged_curves_are_refused(folder, tmp_path):
    with pytest.raises(PictureError, match="curves in the model are damaged"):
        curves(changed(folder, tmp_path, {"steps": "many"}))


def test_without_a_model_there_are_none(bare_folder):
    with pytest.raises(PictureError, match=r"there is no model\.safetensors beside"):
        curves(ResultFolder.open(bare_folder))
