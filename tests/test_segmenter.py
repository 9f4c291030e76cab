import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import gyrovox
from gyrovox import clustering, segmentation
from gyrovox import segmenter as module
from gyrovox.errors import (
    ClusterCountError,
    MissingFileError,
    ModelFileError,
    NotFittedError,
    SettingsError,
    VolumeError,
    VolumeMismatchError,
    VoxelSizeError,
)
from gyrovox.evaluation import evaluate
from gyrovox.io.model_file import read_model
from gyrovox.patches import normalise
from gyrovox.segmentation import Cleaning
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import (
    CATALOGUE,
    Configuration,
    ModelSettings,
    SegmentationSettings,
    TrainingSettings,
)
from gyrovox.training import TrainingRecord, crops
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

TINY = Configuration(
    model=ModelSettings(channels=(4, 4, 4), hidden=8, decoder_channels=(8,)),
    training=TrainingSettings(steps=3, crop_size=10, positions=32, triplets=64),
)
FLAT = replace(TINY, model=replace(TINY.model, geometry="euclidean"))
PATCH = Configuration(
    model=ModelSettings(
        encoder="patch", channels=(4, 6, 8, 8), hidden=32, likelihood="unit-normal"
    ),
    training=TrainingSettings(steps=2, batch_size=8, triplet_weight=10.0),
    segmentation=SegmentationSettings(clustering="kmeans", smoothing=0.0),
)
BY_KMEANS = replace(TINY, segmentation=SegmentationSettings(clustering="kmeans"))
VOLUMES = replace(TINY, model=replace(TINY.model, latent_side=3))
KINDS = {"default": TINY, "euclidean": FLAT, "paper": PATCH, "volumetric": VOLUMES}


def segmenter_of(configuration=TINY, **options):
    return HierarchicalSegmenter(configuration, device="cpu", quiet=True, **options)


@pytest.fixture(scope="module")
def image():
    return cell_phantom(0, shape=(14, 15, 16)).image


@pytest.fixture(scope="module")
def volume(image):
    return Volume.from_array(image, voxel_size_nm=(2.0, 2.0, 2.0), name="cell")


@pytest.fixture(scope="module")
def fitted(volume):
    return segmenter_of().fit(volume)


@pytest.fixture
def no_training(monkeypatch):
    """Training fails the test: what is wrong has to be said before."""

    def reached(*_, **__):
        pytest.fail("training was reached")

    monkeypatch.setattr(module, "train", reached)


@pytest.mark.parametrize("kind", KINDS)
def test_a_volume_becomes_labels_at_every_level(kind, volume):
    segmentation = segmenter_of(KINDS[kind]).fit(volume).segment(volume, levels=(3, 2, 5))
    assert list(segmentation.levels) == [3, 2, 5]
    for level, labels in segmentation.levels.items():
        assert labels.shape == volume.spatial_shape
        assert labels.dtype == np.uint8
        assert np.array_equal(np.unique(labels), np.arange(level))
    assert segmentation.codes.shape == (*volume.spatial_shape, 2)
    assert (segmentation.tree is None) == (kind == "paper")


def test_levels_are_cuts_of_the_tree(fitted, volume):
    segmentation = fitted.segment(volume, levels=(2, 5))
    tree = segmentation.tree
    assert tree.curvature == -1.0
    assert tree.voxel_size_nm == (2.0, 2.0, 2.0)
    for k, labels in segmentation.levels.items():
        assert np.array_equal(labels, tree.cut(k).labels)


def test_the_tree_is_built_of_codes_evidence_and_settings(volume, image, monkeypatch):
    seen = {}

    def build(codes, evidence, intensities, **options):
        seen.update(codes=codes, evidence=evidence, intensities=intensities, **options)
        return build_tree(codes, evidence, intensities, **options)

    build_tree = clustering.build_tree
    monkeypatch.setattr(clustering, "build_tree", build)
    settings = replace(FLAT, segmentation=SegmentationSettings(regions=9))
    channels = Volume.from_array(np.stack([image, image**2]), voxel_size_nm=(2.0, 2.0, 2.0))
    inside = image > np.median(image)
    one = segmenter_of(settings).fit(channels)
    found = one.segment(channels, levels=(2, 3), inside=inside)
    assert np.array_equal(seen["codes"], one.embed(channels))
    assert seen["evidence"].shape == (*image.shape, 20)
    assert seen["evidence"].dtype == np.float32
    normal = normalise(np.stack([image, image**2]))
    np.testing.assert_array_equal(np.moveaxis(seen["intensities"], -1, 0), normal)
    assert np.array_equal(seen["inside"], inside)
    rest = {name: seen[name] for name in ("curvature", "voxel_size_nm", "regions", "quiet")}
    assert rest == {
        "curvature": 0.0,
        "voxel_size_nm": (2.0, 2.0, 2.0),
        "regions": 9,
        "quiet": True,
    }
    assert found.tree.n_leaves <= 9


def test_a_tree_may_choose_the_levels(fitted, volume):
    segmentation = fitted.segment(volume, levels="auto")
    assert tuple(segmentation.levels) == segmentation.tree.suggested_levels()


@pytest.mark.parametrize("settings", [TINY, BY_KMEANS], ids=["tree", "kmeans"])
def test_classes_are_only_inside_a_mask_and_count_from_1_there(settings, volume, image):
    inside = image > np.median(image)
    one = segmenter_of(settings).fit(volume)
    segmentation = one.segment(volume, levels=(2, 4), inside=inside)
    for k, labels in segmentation.levels.items():
        assert (labels[~inside] == 0).all()
        assert np.array_equal(np.unique(labels[inside]), np.arange(1, k + 1))
    everywhere = one.segment(volume, levels=(2,), inside=np.ones_like(inside)).levels[2]
    assert np.array_equal(everywhere, one.segment(volume, levels=(2,)).levels[2])


@pytest.mark.parametrize("settings", [TINY, BY_KMEANS], ids=["tree", "kmeans"])
def test_levels_are_cleaned_where_asked(settings, volume):
    one = segmenter_of(settings).fit(volume)
    # Of 16 classes at least one is smaller than a 16th of the volume.
    levels, cleaning = (16, 8), Cleaning(smallest_nm3=14 * 15 * 16 * 8.0 / 16)
    plain = one.segment(volume, levels=levels)
    same = one.segment(volume, levels=levels, cleaning=Cleaning())
    clean = one.segment(volume, levels=levels, cleaning=cleaning)
    for k in levels:
        assert np.array_equal(plain.levels[k], same.levels[k])
    assert not np.array_equal(plain.levels[16], clean.levels[16])


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_weights_codes_and_labels_twice(kind, volume):
    one, same = (segmenter_of(KINDS[kind], seed=4).fit(volume) for _ in range(2))
    for name, value in one.vae_.state_dict().items():
        assert torch.equal(value, same.vae_.state_dict()[name]), name
    first, second = one.segment(volume, levels=(2, 4)), same.segment(volume, levels=(2, 4))
    assert np.array_equal(first.codes, second.codes)
    for level in (2, 4):
        assert np.array_equal(first.levels[level], second.levels[level])


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_was_stopped_goes_on_from_its_checkpoint(kind, volume, tmp_path):
    path = tmp_path / "run.checkpoint"
    whole = segmenter_of(KINDS[kind]).fit(volume)
    first = segmenter_of(KINDS[kind]).fit(volume, checkpoint=path, should_stop=lambda: True)
    assert first.record_.steps == 1
    assert first.embed(volume).shape == (*volume.spatial_shape, 2)
    back = segmenter_of(KINDS[kind]).fit(volume, checkpoint=str(path))
    assert back.record_ == whole.record_
    assert np.array_equal(back.embed(volume), whole.embed(volume))


def test_a_large_volume_is_learned_from_boxes_of_it(image, monkeypatch):
    monkeypatch.setattr(crops, "WHOLE", 2000)
    large = Volume.from_array(np.tile(image, (2, 2, 2)))
    one, same = (segmenter_of(seed=2).fit(large) for _ in range(2))
    assert np.array_equal(one.embed(large), same.embed(large))
    assert one.record_ != segmenter_of(seed=3).fit(large).record_


def test_another_seed_gives_another_model(volume, fitted):
    other = segmenter_of(seed=1).fit(volume)
    assert not np.array_equal(other.embed(volume), fitted.embed(volume))


def test_the_global_random_state_is_neither_read_nor_moved(volume, fitted, tmp_path):
    torch.manual_seed(123)
    np.random.seed(123)  # noqa: NPY002 - it must not be touched
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    again = segmenter_of().fit(volume)
    again.segment(volume, levels=(2,))
    again.save(tmp_path / "model.safetensors")
    HierarchicalSegmenter.load(tmp_path / "model.safetensors")
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert np.array_equal(again.embed(volume), fitted.embed(volume))


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_from_its_file(kind, volume, tmp_path):
    path = tmp_path / "model.safetensors"
    one = segmenter_of(KINDS[kind], seed=7).fit(volume)
    one.save(path)
    back = HierarchicalSegmenter.load(path, device="cpu", quiet=True)
    assert back.configuration_ == KINDS[kind]
    assert back.seed == 7
    assert back.voxel_size_nm_ == 2.0
    assert back.vae_.in_channels == 1
    assert not back.vae_.training
    assert back.record_ is None
    assert back.curves_ == one.curves_
    assert back.curves_.steps == one.record_.steps
    ours, theirs = one.segment(volume, levels=(3,)), back.segment(volume, levels=(3,))
    assert np.array_equal(ours.codes, theirs.codes)
    assert np.array_equal(ours.levels[3], theirs.levels[3])


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_named_configuration_comes_back_from_its_file(name, volume, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "train", lambda *_, **__: TrainingRecord([], [], [], []))
    one = segmenter_of(name)
    one.fit(Volume.from_array(cell_phantom(0, shape=(16, 16, 16)).image))
    one.save(tmp_path / "model.safetensors")
    back = HierarchicalSegmenter.load(tmp_path / "model.safetensors")
    assert back.configuration_ == CATALOGUE[name]
    assert back.voxel_size_nm_ is None
    for key, value in one.vae_.state_dict().items():
        assert torch.equal(value, back.vae_.state_dict()[key])


def test_a_model_may_be_loaded_to_segment_in_another_way(fitted, volume, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    settings = SegmentationSettings(clustering="kmeans", smoothing=0.0)
    back = HierarchicalSegmenter.load(path, segmentation=settings, device="cpu", quiet=True)
    assert back.configuration_ == replace(TINY, segmentation=settings)
    assert back.segment(volume, levels=(2,)).tree is None


def test_a_model_from_before_there_were_trees_is_loaded(fitted, volume, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    arrays, facts = load_file(path), read_model(path)[1]
    facts["configuration"]["segmentation"] = {"smoothing": 0.25}
    save_file(arrays, path, metadata={"gyrovox": json.dumps(facts)})
    back = HierarchicalSegmenter.load(path, device="cpu", quiet=True)
    assert back.configuration_.segmentation == SegmentationSettings(smoothing=0.25)
    assert np.array_equal(back.embed(volume), fitted.embed(volume))


def test_a_saved_model_can_be_saved_again(fitted, tmp_path):
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    fitted.save(one)
    HierarchicalSegmenter.load(one).save(two)
    assert one.read_bytes() == two.read_bytes()


def test_a_loaded_model_can_be_trained_on(fitted, volume, tmp_path):
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    back = HierarchicalSegmenter.load(path, device="cpu", quiet=True).fit(volume)
    assert np.array_equal(back.embed(volume), fitted.embed(volume))


def test_several_volumes_are_learned_from(image, volume):
    other = Volume.from_array(image[::-1, :12].copy(), voxel_size_nm=(2.0, 2.0, 2.0))
    both = segmenter_of().fit([volume, other])
    assert both.embed(other).shape == (14, 12, 16, 2)
    assert both.embed(volume).shape == (14, 15, 16, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_several_channels_are_read_together(kind, image):
    channels = np.stack([image, image[::-1], image.transpose(0, 1, 2)[:, ::-1] ** 2])
    volume = Volume.from_array(channels)
    one = segmenter_of(KINDS[kind]).fit(volume)
    codes = one.embed(volume)
    changed = channels.copy()
    changed[2, 7, 7, 7] += 5
    assert codes.shape == (*image.shape, 2)
    assert one.segment(volume, levels=(2,)).levels[2].shape == image.shape
    assert not np.array_equal(one.embed(Volume.from_array(changed)), codes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "shape"), [((3.0, 1.0, 1.0), (8, 18, 17)), ((1.0, 1.5, 2.0), (18, 12, 9))], ids=str
)
def test_results_lie_on_the_voxels_of_an_anisotropic_volume(kind, size, shape):
    phantom = cell_phantom(1, shape=shape, voxel_size_nm=size)
    volume = Volume.from_array(phantom.image, voxel_size_nm=size)
    one = segmenter_of(KINDS[kind]).fit(volume)
    segmentation = one.segment(volume, levels=(2, 3))
    assert one.voxel_size_nm_ == 1.0
    assert segmentation.codes.shape == (*shape, 2)
    assert segmentation.levels[3].shape == shape


def test_thin_slices_are_enough_where_they_are_thick():
    image = cell_phantom(0, shape=(16, 16, 16)).image[:4]
    with pytest.raises(VolumeError, match="at least 7 voxels along every axis"):
        segmenter_of().fit(Volume.from_array(image, voxel_size_nm=(1.0, 1.0, 1.0)))
    thick = Volume.from_array(image, voxel_size_nm=(3.0, 1.0, 1.0))
    assert segmenter_of().fit(thick).embed(thick).shape == (4, 16, 16, 2)


def test_classes_that_intensity_tells_apart_are_found():
    generator = np.random.default_rng(0)
    truth = np.zeros((16, 16, 16), dtype=np.uint8)
    truth[4:13, 4:13, 3:13] = 1
    image = (3.0 * truth + generator.normal(0, 0.2, truth.shape)).astype(np.float32)
    settings = replace(TINY, training=replace(TINY.training, steps=30, positions=128))
    volume = Volume.from_array(image)
    settings = replace(settings, segmentation=BY_KMEANS.segmentation)
    labels = segmenter_of(settings).fit(volume).segment(volume, levels=(2,)).levels[2]
    assert evaluate(labels, truth).mean_dice > 0.7


@pytest.fixture(scope="module")
def by_kmeans(volume):
    return segmenter_of(BY_KMEANS).fit(volume)


def test_more_than_256_classes_take_two_bytes(by_kmeans, volume):
    labels = by_kmeans.segment(volume, levels=(300,)).levels[300]
    assert labels.dtype == np.uint16
    assert labels.max() == 299


def test_codes_are_those_that_were_clustered(fitted, volume):
    segmentation = fitted.segment(volume, levels=(2,))
    assert np.array_equal(segmentation.codes, fitted.embed(volume))
    assert segmentation.codes.dtype == np.float32


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_gives_what_the_cpu_gives(kind, volume, tmp_path, device):
    path = tmp_path / "model.safetensors"
    on_gpu = HierarchicalSegmenter(KINDS[kind], device=str(device), quiet=True).fit(volume)
    on_gpu.save(path)
    on_cpu = HierarchicalSegmenter.load(path, device="cpu", quiet=True)
    np.testing.assert_allclose(on_gpu.embed(volume), on_cpu.embed(volume), rtol=0.01, atol=0.01)


@pytest.mark.usefixtures("no_training")
class TestFitRefuses:
    def test_a_volume_smaller_than_a_patch(self):
        image = np.random.default_rng(0).normal(size=(6, 20, 20)).astype(np.float32)
        with pytest.raises(
            VolumeError, match=r"thin: .* at least 7 voxels .* \(6, 20, 20\) \(z, y"
        ):
            segmenter_of().fit(Volume.from_array(image, name="thin"))

    @pytest.mark.parametrize(("side", "needed"), [(5, 10), (10, 11)])
    def test_a_volume_without_room_for_a_parent_and_a_stranger(self, side, needed):
        settings = replace(PATCH, training=replace(PATCH.training, embed_side=side))
        image = np.random.default_rng(0).normal(size=(needed - 1, 20, 20)).astype(np.float32)
        with pytest.raises(VolumeError, match=f"at least {needed} voxels along every axis"):
            segmenter_of(settings).fit(Volume.from_array(image))

    def test_no_volume(self):
        with pytest.raises(VolumeError, match=r"at least one volume is needed .* none came"):
            segmenter_of().fit([])

    def test_volumes_whose_channels_disagree(self, image):
        two = Volume.from_array(np.stack([image, image]), name="two")
        with pytest.raises(VolumeMismatchError, match=r"one has 1 and two has 2. Train them apart"):
            segmenter_of().fit([Volume.from_array(image, name="one"), two])

    def test_volumes_whose_voxel_sizes_disagree(self, image, volume):
        other = Volume.from_array(image, voxel_size_nm=(3.0, 3.0, 3.0), name="other")
        with pytest.raises(VoxelSizeError, match=r"cell has 2 nm and other has 3 nm. Resample one"):
            segmenter_of().fit([volume, other])
        # One whose size is unknown agrees with both, and does not hide that they disagree.
        unknown = Volume.from_array(image, name="unknown")
        with pytest.raises(VoxelSizeError, match=r"cell has 2 nm and other has 3 nm. Resample one"):
            segmenter_of().fit([unknown, volume, other])

    def test_nan(self, image):
        holed = image.copy()
        holed[1, 2, 3] = np.nan
        with pytest.raises(VolumeError, match=r"1 NaN .* Pass --nan-policy"):
            segmenter_of().fit(Volume.from_array(holed))

    def test_a_constant_volume(self):
        flat = np.full((14, 14, 14), 3.0, dtype=np.float32)
        with pytest.raises(VolumeError, match="must vary to be segmented"):
            segmenter_of().fit(Volume.from_array(flat))

    def test_a_second_volume_as_well_as_the_first(self, volume):
        flat = np.full((14, 14, 14), 3.0, dtype=np.float32)
        with pytest.raises(VolumeError, match="must vary to be segmented"):
            segmenter_of().fit([volume, Volume.from_array(flat)])

    def test_a_device_that_is_not_there(self, volume):
        with pytest.raises(SettingsError, match="device must be 'auto'"):
            HierarchicalSegmenter(TINY, device="gpu", quiet=True).fit(volume)

    def test_no_threads(self, volume):
        with pytest.raises(SettingsError, match="threads must be at least 1, got 0"):
            segmenter_of(threads=0).fit(volume)


def test_nan_are_filled_where_asked(image):
    holed = image.copy()
    holed[1, 2, 3] = np.nan
    volume = Volume.from_array(holed)
    assert np.isfinite(segmenter_of(nan_policy="mean").fit(volume).embed(volume)).all()


def test_unknown_voxel_sizes_agree_with_every_size(image, fitted):
    assert fitted.embed(Volume.from_array(image)).shape == (*image.shape, 2)


def test_a_configuration_that_there_is_not_is_refused():
    with pytest.raises(SettingsError, match=r"must be one of default, paper, .* got 'hyper'"):
        HierarchicalSegmenter("hyper")


def test_a_negative_seed_is_refused():
    with pytest.raises(SettingsError, match=r"seed must not be negative, .* got -1"):
        segmenter_of(seed=-1)


@pytest.mark.parametrize("method", ["embed", "segment", "save"])
def test_what_needs_a_model_says_so(method, volume, tmp_path):
    argument = tmp_path / "model.safetensors" if method == "save" else volume
    one = segmenter_of()
    call = {"embed": one.embed, "segment": one.segment, "save": one.save}[method]
    with pytest.raises(NotFittedError, match=r"must be fitted before .* Call fit\(volumes\)"):
        call(argument)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("levels", [(), (1,), (2, 0), (-2,), (70_000,), (2, 2)], ids=str)
def test_levels_that_cannot_be_are_refused(levels, fitted, volume, monkeypatch):
    monkeypatch.setattr(module, "embed_region", lambda *_, **__: pytest.fail("it was embedded"))
    with pytest.raises(SettingsError, match=r"levels must be .*, got \["):
        fitted.segment(volume, levels=levels)


def test_more_classes_than_voxels_are_refused_before_embedding(fitted, image, monkeypatch):
    monkeypatch.setattr(module, "embed_region", lambda *_, **__: pytest.fail("it was embedded"))
    small = Volume.from_array(image[:8, :8, :8], name="small")
    with pytest.raises(ClusterCountError, match=r"got 513, and small has 512. Ask for fewer"):
        fitted.segment(small, levels=(2, 513))
    inside = np.zeros((8, 8, 8), np.bool_)
    inside[0, 0, :5] = True
    with pytest.raises(ClusterCountError, match=r"got 6, and small has 5 inside. Ask for fewer"):
        fitted.segment(small, levels=(6,), inside=inside)


def test_more_classes_than_regions_are_refused_before_embedding(fitted, volume, monkeypatch):
    monkeypatch.setattr(module, "embed_region", lambda *_, **__: pytest.fail("it was embedded"))
    with pytest.raises(ClusterCountError, match=r"got 1025, and segmentation.regions is 1024. Ask"):
        fitted.segment(volume, levels=(2, 1025))


def test_a_mask_of_another_volume_is_refused_before_embedding(fitted, volume, monkeypatch):
    monkeypatch.setattr(module, "embed_region", lambda *_, **__: pytest.fail("it was embedded"))
    with pytest.raises(VolumeMismatchError, match=r"the mask: .* has \(3, 3, 3\)"):
        fitted.segment(volume, inside=np.ones((3, 3, 3), np.bool_))
    with pytest.raises(VolumeError, match="the mask: some voxels of a mask must not be 0"):
        fitted.segment(volume, inside=np.zeros(volume.spatial_shape, np.bool_))


def test_only_a_tree_chooses_levels(by_kmeans, volume):
    with pytest.raises(SettingsError, match="'auto' came: only a tree suggests them"):
        by_kmeans.segment(volume, levels="auto")


def test_more_classes_than_distinct_codes_are_refused_before_clustering(
    by_kmeans, volume, monkeypatch
):
    def three_codes(_, volume, *__, **___):
        codes = np.zeros((*volume.spatial_shape, 2), np.float32)
        codes[0, 0, 0], codes[1, 1, 1] = (1.0, 0.0), (0.0, 1.0)
        return codes

    monkeypatch.setattr(module, "embed_region", three_codes)
    assert list(by_kmeans.segment(volume, levels=(2, 3)).levels) == [2, 3]
    clustered = []
    advance = segmentation.HyperbolicKMeans.fit_predict

    def counted(kmeans, codes):
        labels = advance(kmeans, codes)
        clustered.append(kmeans.n_clusters)
        return labels

    monkeypatch.setattr(segmentation.HyperbolicKMeans, "fit_predict", counted)
    with pytest.raises(ClusterCountError, match=r"it is 4 for 3 distinct codes .* Ask for fewer"):
        by_kmeans.segment(volume, levels=(2, 3, 4))
    assert clustered == []


class TestCheckRefuses:
    def test_other_channels_than_the_model_has(self, fitted, image):
        two = Volume.from_array(np.stack([image, image]), name="two")
        with pytest.raises(VolumeMismatchError, match=r"two: .* 1 channel\(s\), .* has 2. Pass"):
            fitted.embed(two)

    def test_another_voxel_size_than_the_model_has(self, fitted, image):
        other = Volume.from_array(image, voxel_size_nm=(2.0, 3.0, 3.0))
        fitted.check(other)
        other = Volume.from_array(image, voxel_size_nm=(3.0, 3.0, 3.0), name="other")
        with pytest.raises(VoxelSizeError, match=r"other: .* voxels of 2 nm, .* are 3 nm"):
            fitted.check(other)
        with pytest.raises(VoxelSizeError, match="Resample the volume, or train a model"):
            fitted.segment(other)

    def test_a_volume_smaller_than_a_patch(self, fitted, image):
        with pytest.raises(VolumeError, match=r"small: .* at least 7 voxels along every axis"):
            fitted.embed(Volume.from_array(image[:6, :6, :6], name="small"))

    def test_what_is_too_small_before_it_is_fitted(self, image):
        one = segmenter_of()
        one.check(Volume.from_array(image))
        with pytest.raises(VolumeError, match="at least 7 voxels along every axis"):
            one.check(Volume.from_array(image[:6]))


class TestLoadRefuses:
    @pytest.fixture
    def path(self, fitted, tmp_path):
        path = tmp_path / "model.safetensors"
        fitted.save(path)
        return path

    @staticmethod
    def rewrite(path, change_facts=None, change_arrays=None):
        arrays, facts = load_file(path), read_model(path)[1]
        (change_facts or (lambda _: None))(facts)
        (change_arrays or (lambda _: None))(arrays)
        save_file(arrays, path, metadata={"gyrovox": json.dumps(facts)})

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(MissingFileError, match="is no file"):
            HierarchicalSegmenter.load(tmp_path / "no.safetensors")

    def test_a_truncated_file(self, path):
        path.write_bytes(path.read_bytes()[:-10])
        with pytest.raises(ModelFileError, match="cannot be read as one"):
            HierarchicalSegmenter.load(path)

    @pytest.mark.parametrize("name", ["configuration", "in_channels", "voxel_size_nm", "seed"])
    def test_a_fact_that_is_missing(self, path, name):
        self.rewrite(path, lambda facts: facts.pop(name))
        with pytest.raises(
            ModelFileError, match=f"does not hold .* '{name}'. Use the gyrovox that"
        ):
            HierarchicalSegmenter.load(path)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("configuration", 3),
            ("configuration", None),
            ("in_channels", "one"),
            ("in_channels", 0),
            ("in_channels", -1),
            ("in_channels", 2),
            ("in_channels", 10**9),
            ("in_channels", 10**30),
            ("voxel_size_nm", "two"),
            ("seed", 1.5),
            ("seed", -1),
        ],
    )
    def test_a_fact_that_cannot_be(self, path, name, value):
        self.rewrite(path, lambda facts: facts.update({name: value}))
        with pytest.raises(ModelFileError, match="does not hold what its configuration says"):
            HierarchicalSegmenter.load(path)

    @pytest.mark.parametrize(
        ("part", "name", "value", "said"),
        [
            ("model", "colour", 1, "model.colour is unknown"),
            ("training", "steps", 0, "training.steps must be at least 1, got 0"),
            ("training", "steps", "3", "training.steps must be 3, got '3'"),
            ("model", "channels", [4, 4], "model.dilations must be as many"),
            ("model", "channels", [4, 4, 5], "size mismatch"),
            ("model", "hidden", 10**12, "size mismatch"),
            ("model", "hidden", 10**30, "no network can be as large"),
            ("model", "geometry", "spherical", "model.geometry"),
            ("model", "curvature", 1.0, "model.curvature must be negative"),
        ],
    )
    def test_a_setting_that_cannot_be(self, path, part, name, value, said):
        self.rewrite(path, lambda facts: facts["configuration"][part].update({name: value}))
        with pytest.raises(ModelFileError, match=f"does not hold .*{said}"):
            HierarchicalSegmenter.load(path)

    def test_a_setting_that_is_missing(self, path):
        self.rewrite(path, lambda facts: facts["configuration"]["model"].pop("hidden"))
        with pytest.raises(ModelFileError, match=r"model.hidden is missing"):
            HierarchicalSegmenter.load(path)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda array: array[..., :1].copy(), "size mismatch"),
            (lambda array: array.astype(np.float64), "must be float32, and is float64"),
            (lambda array: array.astype(np.uint16), "must be float32, and is uint16"),
            (lambda array: array * np.nan, "must be finite, and is not"),
        ],
        ids=["shape", "double", "integers", "nan"],
    )
    def test_a_tensor_that_is_not_the_network_s(self, path, change, said):
        name = "encoder.convolutions.1.weight"
        self.rewrite(path, None, lambda arrays: arrays.update({name: change(arrays[name])}))
        with pytest.raises(ModelFileError, match=said):
            HierarchicalSegmenter.load(path)

    def test_a_tensor_that_is_missing_or_too_many(self, path):
        self.rewrite(path, None, lambda arrays: arrays.pop("encoder.head.bias"))
        with pytest.raises(ModelFileError, match=r'Missing key.*"encoder.head.bias"'):
            HierarchicalSegmenter.load(path)
        extra = np.zeros(3, dtype=np.float32)
        zeros = np.zeros(3, dtype=np.float32)
        self.rewrite(
            path, None, lambda arrays: arrays.update({"encoder.head.bias": zeros, "extra": extra})
        )
        with pytest.raises(ModelFileError, match=r'Unexpected key.*"extra"'):
            HierarchicalSegmenter.load(path)


def test_the_segmenter_is_found_at_the_top_without_loading_torch():
    assert gyrovox.HierarchicalSegmenter is HierarchicalSegmenter
    assert gyrovox.Segmentation is segmentation.Segmentation
    assert gyrovox.Cleaning is Cleaning
    with pytest.raises(AttributeError, match="has no attribute 'Segmenter'"):
        _ = gyrovox.Segmenter
    code = "import sys, gyrovox.settings, gyrovox.devices; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_it_says_what_to_cite():
    hyperbolic, flat = HierarchicalSegmenter().cite(), HierarchicalSegmenter("euclidean").cite()
    assert "Capturing implicit hierarchical structure" in flat
    assert "@inproceedings{ganea2018hyperbolic," in hyperbolic
    assert "ganea" not in flat
