import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings import (
    CATALOGUE,
    Configuration,
    ConfigurationName,
    ModelSettings,
    TrainingSettings,
    configuration,
)


def test_the_catalogue_has_every_name():
    assert tuple(CATALOGUE) == get_args(ConfigurationName)
    for name, found in CATALOGUE.items():
        assert configuration(name) is found


def test_paper_is_as_published():
    model, training = CATALOGUE["paper"].model, CATALOGUE["paper"].training
    assert (model.encoder, model.channels, model.hidden) == ("patch", (16, 32, 64, 128), 300)
    assert (model.latent_dim, model.curvature, model.input_size) == (2, -1.0, 10)
    assert (training.triplet_weight, training.triplet_margin) == (1000.0, 0.2)
    assert (training.batch_size, training.embed_side) == (128, 5)
    assert (training.parent_sides, training.child_sides) == ((5, 35), (3, 15))
    assert training.scale_sampling == "uniform"


def test_euclidean_differs_from_default_in_its_space_alone():
    default, flat = CATALOGUE["default"], CATALOGUE["euclidean"]
    assert flat != default
    assert replace(flat, model=replace(flat.model, geometry="poincare")) == default


def test_volumetric_differs_from_default_in_its_latents_and_what_they_rebuild():
    default, volumetric = CATALOGUE["default"], CATALOGUE["volumetric"]
    model, training = default.model, default.training
    assert (volumetric.model.latent_side, volumetric.model.latent_spacing) == (3, 3)
    assert (volumetric.model.receptive_size, volumetric.model.output_size) == (13, 9)
    point = replace(
        volumetric.model,
        latent_side=model.latent_side,
        latent_spacing=model.latent_spacing,
        gyroplane_window=model.gyroplane_window,
    )
    assert point == model
    rebuilt = (volumetric.model.output_size / model.output_size) ** 3
    assert volumetric.training.triplet_weight == rebuilt * training.triplet_weight
    same = replace(
        volumetric.training,
        positions=training.positions,
        triplet_weight=training.triplet_weight,
    )
    assert same == training
    assert volumetric.segmentation == default.segmentation


def test_a_name_that_there_is_not_is_refused():
    said = "must be one of default, paper, euclidean, volumetric; got 'x'"
    with pytest.raises(SettingsError, match=said):
        configuration("x")


def test_a_configuration_cannot_be_changed():
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'model'"):
        CATALOGUE["default"].model = ModelSettings()


@pytest.mark.parametrize(("jitter", "fits"), [(0, True), (2, True), (3, False)])
def test_a_jittered_target_must_lie_in_the_receptive_field(jitter, fits):
    # A patch of 7 voxels reaches 3 from its middle, and a target of 3 voxels reaches 1.
    model = ModelSettings(channels=(4, 4, 4), dilations=(1, 1, 1), decoder_channels=(8,))
    training = TrainingSettings(jitter=jitter)
    if fits:
        assert Configuration(model=model, training=training).training.jitter == jitter
    else:
        with pytest.raises(SettingsError, match=r"training.jitter \+ 1 .* <= 3 .*, got 4. Lower"):
            Configuration(model=model, training=training)


@pytest.mark.parametrize(
    ("side", "spacing", "jitter", "fits"),
    # Volumes made from 7 + 6 and 7 + 2 voxels, of which 9 and 3 are rebuilt.
    [(3, 3, 2, True), (3, 3, 3, False), (3, 1, 3, True), (3, 1, 4, False), (3, 7, 1, False)],
)
def test_a_jittered_patch_of_a_volume_must_lie_in_what_the_volume_sees(side, spacing, jitter, fits):
    model = ModelSettings(latent_side=side, latent_spacing=spacing)
    training = TrainingSettings(jitter=jitter)
    if fits:
        assert Configuration(model=model, training=training).training.jitter == jitter
    else:
        seen = model.receptive_size // 2
        said = rf"\(latent_side, latent_spacing\) <= {seen} \(dilations, latent_side, .*got"
        with pytest.raises(SettingsError, match=said):
            Configuration(model=model, training=training)


def test_a_crop_must_hold_a_latent_volume():
    volumetric = CATALOGUE["volumetric"]
    training = replace(volumetric.training, crop_size=7)
    assert replace(volumetric, training=training).training.crop_size == 7
    with pytest.raises(SettingsError, match=r"training.crop_size must exceed 6 \(.*\), got 6."):
        replace(volumetric, training=replace(training, crop_size=6))


@pytest.mark.parametrize("side", [1, 2, 5, 10])
def test_a_cube_around_a_voxel_may_divide_the_patch(side):
    paper = CATALOGUE["paper"]
    made = replace(paper, training=replace(paper.training, embed_side=side))
    assert made.training.embed_side == side


@pytest.mark.parametrize("side", [3, 7, 20])
def test_a_cube_around_a_voxel_that_does_not_divide_the_patch_is_refused(side):
    paper = CATALOGUE["paper"]
    training = replace(paper.training, embed_side=side)
    with pytest.raises(SettingsError, match=f"embed_side must divide .* 10 voxels, got {side}."):
        replace(paper, training=training)


def test_settings_load_no_torch():
    code = "import sys, gyrovox.settings; print({'torch', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_patch_encoder_turns_no_crops():
    with pytest.raises(SettingsError, match=r"the patch encoder takes none. Leave it away"):
        replace(CATALOGUE["paper"], training=TrainingSettings(missing_wedge=(-60.0, 60.0)))
