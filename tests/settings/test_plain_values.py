import json
from dataclasses import replace

import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings import (
    CATALOGUE,
    Configuration,
    ModelSettings,
    TrainingSettings,
    from_plain_values,
    plain_values,
)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_configuration_comes_back_through_json(name):
    text = json.dumps(plain_values(CATALOGUE[name]))
    assert from_plain_values(json.loads(text)) == CATALOGUE[name]


def test_every_setting_comes_back():
    odd = Configuration(
        model=ModelSettings(curvature=-0.3, latent_dim=5, channels=(3, 4), dilations=(2, 1)),
        training=TrainingSettings(learning_rate=1 / 3, scales=(1, 3), jitter=0),
    )
    back = from_plain_values(plain_values(odd))
    assert back == odd
    assert isinstance(back.model.channels, tuple)


def test_whole_numbers_may_stand_for_real_ones():
    values = plain_values(CATALOGUE["default"])
    values["model"]["curvature"] = -1
    assert from_plain_values(values) == CATALOGUE["default"]


@pytest.mark.parametrize(
    "missing",
    [("clustering",), ("evidence",), ("regions",), ("clustering", "evidence", "regions")],
    ids=str,
)
def test_files_from_before_there_were_trees_get_the_defaults(missing):
    values = plain_values(CATALOGUE["default"])
    for name in missing:
        del values["segmentation"][name]
    before = json.dumps(values)
    assert from_plain_values(values) == CATALOGUE["default"]
    assert json.dumps(values) == before


def test_files_from_before_the_posterior_was_a_setting_have_wrapped_normals():
    values = plain_values(CATALOGUE["default"])
    del values["model"]["posterior"]
    assert from_plain_values(values).model.posterior == "wrapped-normal"
    values["model"]["posterior"] = "riemannian-normal"
    assert from_plain_values(values).model.posterior == "riemannian-normal"


def test_files_from_before_steps_had_several_batches_have_one():
    values = plain_values(CATALOGUE["default"])
    for name in ("batches", "precision", "missing_wedge"):
        del values["training"][name]
    assert from_plain_values(values) == CATALOGUE["default"]


def test_files_from_before_there_were_latent_volumes_have_single_points():
    values = plain_values(CATALOGUE["default"])
    for name in ("latent_side", "latent_spacing", "first_layer", "gyroplane_window"):
        del values["model"][name]
    assert from_plain_values(values) == CATALOGUE["default"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda values: values["model"].update(posterior="normal"),
            "model.posterior: .*'wrapped-normal' or",
        ),
        (lambda values: values["model"].pop("hidden"), "model.hidden is missing"),
        (lambda values: values.pop("training"), "training is missing"),
        (lambda values: values["training"].update(pace=3), "training.pace is unknown"),
        (
            lambda values: values["segmentation"].pop("smoothing"),
            "segmentation.smoothing is missing",
        ),
        (
            lambda values: values["segmentation"].update(regions="9"),
            "segmentation.regions must be 9, got '9'",
        ),
        (
            lambda values: values["segmentation"].update(clustering="ward"),
            "segmentation.clustering: .*'tree' or",
        ),
        (lambda values: values.update(extra={}), "extra is unknown"),
        (lambda values: values["training"].update(steps="7"), "training.steps must be 7, got '7'"),
        (lambda values: values["training"].update(steps="many"), "training.steps: .* integer"),
        (lambda values: values["training"].update(steps=0), "steps must be at least 1, got 0"),
        (lambda values: values["model"].update(geometry="flat"), "geometry: .*'poincare' or"),
        (lambda values: values.update(model=3), "model: "),
    ],
)
def test_other_values_are_refused(change, said):
    values = plain_values(CATALOGUE["default"])
    change(values)
    with pytest.raises(SettingsError, match=said):
        from_plain_values(values)


@pytest.mark.parametrize("values", [None, 3, [], "default"])
def test_what_is_no_configuration_is_refused(values):
    with pytest.raises(SettingsError, match="dictionary"):
        from_plain_values(values)


def test_what_holds_only_together_is_checked_too():
    values = plain_values(replace(CATALOGUE["default"]))
    values["training"]["jitter"] = 30
    with pytest.raises(SettingsError, match="within the encoder's receptive field"):
        from_plain_values(values)
