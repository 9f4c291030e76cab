import math

import numpy as np
import pytest
import torch

from gyrovox.errors import VolumeError, VolumeMismatchError, VoxelSizeError
from gyrovox.patches import WorkingGrid, normalise
from gyrovox.settings import CATALOGUE, Configuration, ModelSettings, TrainingSettings
from gyrovox.training import check_fits, check_size, training_boxes
from gyrovox.training import crops as module
from gyrovox.volumes import InMemory, Region, Volume
from gyrovox.volumes.phantom_cell import cell_phantom

TINY = Configuration(
    model=ModelSettings(channels=(4, 4), dilations=(1, 1), hidden=8, decoder_channels=(4,)),
    training=TrainingSettings(crop_size=4, jitter=1),
)


@pytest.fixture
def small_limit(monkeypatch):
    """Volumes of more than 32^3 voxels are large, so that the tests are not."""
    monkeypatch.setattr(module, "WHOLE", 32**3)
    monkeypatch.setattr(module, "_ALL", 4 * 32**3)


def ramp(shape, channels=1):
    """A volume whose voxels all differ, so that each says where it was read."""
    count = math.prod(shape)
    voxels = np.arange(channels * count, dtype=np.float32).reshape(channels, *shape)
    return Volume.from_array(voxels)


def normal(volume):
    """The whole volume, normalised in memory, on its working grid."""
    voxels = torch.from_numpy(normalise(volume.read().astype(np.float32)))
    return WorkingGrid(volume.spatial_shape, volume.voxel_size_nm).to_working(voxels)


def boxes_of(*volumes, seed=0, configuration=TINY, **options):
    return training_boxes(volumes, configuration, seed=seed, **options)


@pytest.mark.parametrize("size", [None, (2.0, 1.0, 1.5)])
def test_a_small_volume_is_taken_whole(size):
    image = cell_phantom(0, shape=(12, 14, 13)).image
    volume = Volume.from_array(np.stack([image, image**2]), voxel_size_nm=size)
    (found,) = boxes_of(volume)
    assert torch.equal(found, normal(volume))


@pytest.mark.usefixtures("small_limit")
class TestOfALargeVolume:
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("shape", [(64, 64, 64), (9, 150, 80), (40, 41, 200)], ids=str)
    def test_boxes_are_parts_of_the_normalised_whole(self, shape, channels):
        volume = ramp(shape, channels)
        (found,) = boxes_of(volume)
        whole = normal(volume)
        boxes, *rest = found.shape
        assert rest == [channels, *(min(8, length) for length in shape)]
        assert boxes > 20
        for box in found:
            z, y, x = np.argwhere(whole[0].numpy() == float(box[0, 0, 0, 0]))[0]
            depth, height, width = box.shape[1:]
            assert torch.equal(box, whole[:, z : z + depth, y : y + height, x : x + width])

    def test_memory_is_bounded_whatever_the_volume(self):
        for shape in [(33, 33, 33), (64, 64, 64), (8, 200, 200), (100, 20, 100)]:
            (found,) = boxes_of(ramp(shape))
            assert len(found) <= 64
            assert found[:, 0].numel() <= 32**3

    def test_a_volume_is_read_one_box_at_a_time(self, monkeypatch):
        read = []

        class Watched:
            def __init__(self, source):
                self.source, self.shape, self.dtype = source, source.shape, source.dtype

            def read(self, region):
                read.append(region)
                return self.source.read(region)

        volume = ramp((50, 60, 70))
        watched = Volume(source=Watched(volume.source), voxel_size_nm=None, affine=volume.affine)
        passes = []
        monkeypatch.setattr(
            module, "normalisation_of", lambda one, **_: passes.append(one) or normalisation
        )
        from gyrovox.volumes import normalisation_of

        normalisation = normalisation_of(volume)
        (found,) = boxes_of(watched)
        assert passes == [watched]
        assert len(read) == len(found)
        assert {region.shape for region in read} == {(8, 8, 8)}

    def test_boxes_come_from_everywhere(self):
        shape = (64, 64, 64)
        volume, whole = ramp(shape), normal(ramp(shape))
        corners = []
        for seed in range(30):
            (found,) = boxes_of(volume, seed=seed)
            flat = np.searchsorted(whole.flatten().numpy(), found[:, 0, 0, 0, 0].numpy())
            corners.append(np.stack(np.unravel_index(flat, shape), axis=-1))
        for of_seed in corners:
            # One in every cell of a grid of 4 x 4 x 4.
            assert len({tuple(cell) for cell in (of_seed + 4) // 16}) == 64
        together = np.concatenate(corners)
        assert together.min() == 0
        assert together.max() == 56
        np.testing.assert_allclose(together.mean(0), 28, atol=1.5)

    def test_a_seed_gives_the_same_boxes_twice_and_another_one_others(self):
        volume = ramp((40, 40, 40))
        one, same, other = (boxes_of(volume, seed=seed)[0] for seed in (1, 1, 2))
        assert torch.equal(one, same)
        assert not torch.equal(one, other)

    def test_boxes_lie_on_the_working_grid_of_an_anisotropic_volume(self):
        image = cell_phantom(0, shape=(24, 40, 40)).image
        volume = Volume.from_array(image, voxel_size_nm=(3.0, 1.0, 1.0))
        (found,) = boxes_of(volume)
        whole = normal(volume)[0].numpy()
        assert whole.shape == (72, 40, 40)
        windows = np.lib.stride_tricks.sliding_window_view(whole, (8, 8, 8))
        for box in found[:5, 0].numpy():
            near = np.argwhere(np.isclose(windows[..., 0, 0, 0], box[0, 0, 0], atol=1e-5))
            assert min(np.abs(windows[tuple(place)] - box).max() for place in near) < 1e-5

    def test_boxes_of_one_value_are_left_out(self):
        image = np.zeros((60, 60, 60), np.float32)
        image[40:, 40:, 40:] = np.random.default_rng(0).normal(size=(20, 20, 20))
        (found,) = boxes_of(Volume.from_array(image))
        assert 0 < len(found) < 32
        assert (found.flatten(1).std(dim=1) > 0).all()

    def test_where_all_boxes_have_one_value_there_is_still_one(self):
        image = np.zeros((200, 60, 60), np.float32)
        image[0, 0, 0] = 1.0
        (found,) = boxes_of(Volume.from_array(image), seed=3)
        assert len(found) == 1

    def test_many_volumes_share_the_memory(self):
        volumes = [ramp((30, 30, 30 + number)) for number in range(8)]
        found = boxes_of(*volumes)
        assert len(found) == 8
        assert sum(one.numel() for one in found) <= 4 * 32**3
        small, large = boxes_of(ramp((9, 9, 9)), ramp((40, 40, 40)))
        assert (small.ndim, large.ndim) == (4, 5)

    def test_voxels_that_are_not_finite_are_refused_or_filled(self):
        voxels = ramp((40, 40, 40)).read()
        voxels[0, ::2] = np.nan
        volume = Volume.from_array(voxels)
        with pytest.raises(VolumeError, match=r"must be finite, and .* NaN"):
            boxes_of(volume)
        (found,) = boxes_of(volume, nan_policy="mean")
        assert found.isfinite().all()


@pytest.mark.parametrize(
    ("name", "side", "boxes"), [("default", 53, 64), ("paper", 70, 27), ("euclidean", 53, 64)]
)
def test_boxes_are_large_enough_for_a_named_configuration(name, side, boxes, monkeypatch):
    class Empty:
        shape, dtype = (1, 4000, 4000, 4000), np.dtype(np.uint8)

        def read(self, region):
            pattern = np.zeros((1, *region.shape), np.uint8)
            pattern[0, 0, 0, 0] = 1
            return pattern

    volume = Volume(source=Empty(), voxel_size_nm=None, affine=np.eye(4))
    normalisation = module.normalisation_of(ramp((4, 4, 4)))
    monkeypatch.setattr(module, "normalisation_of", lambda *_, **__: normalisation)
    (found,) = boxes_of(volume, configuration=CATALOGUE[name])
    assert found.shape == (boxes, 1, side, side, side)
    settings = CATALOGUE[name]
    if name == "paper":
        assert side >= 2 * settings.training.parent_sides[1]
    else:
        assert side > settings.training.crop_size + settings.model.input_size - 1


@pytest.mark.parametrize(("name", "needed"), [("default", 7), ("paper", 10)])
def test_a_volume_smaller_than_what_is_read_is_refused(name, needed):
    check_size(ramp((needed, needed + 1, needed)), CATALOGUE[name])
    with pytest.raises(VolumeError, match=rf"at least {needed} voxels .* \(20, {needed - 1}, 20\)"):
        check_size(ramp((20, needed - 1, 20)), CATALOGUE[name])
    # Thick slices count as the working voxels that they stand for.
    thick = Volume(
        source=InMemory(np.zeros((1, 4, 20, 20), np.float32)),
        voxel_size_nm=(3.0, 1.0, 1.0),
        affine=np.diag([3.0, 1.0, 1.0, 1.0]),
    )
    check_size(thick, CATALOGUE[name])


@pytest.mark.parametrize("shape", [(100, 100, 100), (30, 400, 200), (1000, 10, 10)], ids=str)
@pytest.mark.parametrize("most", [1, 2, 7, 64])
def test_cells_cover_a_grid_once(shape, most):
    cells = module._cells(shape, 10, most=most)
    assert 1 <= len(cells) <= most
    covered = np.zeros(shape, np.uint8)
    for cell in cells:
        covered[cell.slices] += 1
    assert (covered == 1).all()
    assert all(isinstance(cell, Region) for cell in cells)


def test_a_volume_of_other_channels_or_voxels_than_the_models_is_refused():
    volume = ramp((8, 8, 8), channels=2).with_voxel_size((4.0, 2.0, 2.0))
    check_fits(volume, 2, 2.0)
    check_fits(volume, 2, None)
    with pytest.raises(VolumeMismatchError, match=r"trained on 1 channel\(s\), and this .* has 2"):
        check_fits(volume, 1, 2.0)
    with pytest.raises(VoxelSizeError, match=r"trained on voxels of 3 nm, .* are 2 nm along"):
        check_fits(volume, 2, 3.0)
