import numpy as np
import pytest
import torch

from gyrovox.errors import MissingFileError, ModelFileError
from gyrovox.io.model_file import read_model, write_model
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.tomography.denoising import Noise2Noise, denoise
from gyrovox.tomography.denoising.unet import UNet
from gyrovox.volumes import Volume

SETTINGS = Noise2NoiseSettings(channels=(2, 3), crop_size=8)


@pytest.fixture
def network():
    made = UNet(SETTINGS.channels)
    torch.nn.init.normal_(made.head.weight)
    return Noise2Noise(made.eval(), SETTINGS)


def test_a_saved_network_denoises_as_before(network, tmp_path):
    path = tmp_path / "network.safetensors"
    network.save(path)
    loaded = Noise2Noise.load(path, device="cpu")
    assert loaded.settings == SETTINGS
    assert (loaded.stride, loaded.halo) == (network.stride, network.halo)
    voxels = np.random.default_rng(0).normal(size=(9, 10, 12)).astype(np.float32)
    found, expected = (denoise(Volume.from_array(voxels), one) for one in (loaded, network))
    assert np.array_equal(found, expected)


def test_it_is_applied_as_torch_applies_it(network):
    voxels = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    with torch.no_grad():
        expected = network.network(torch.from_numpy(voxels)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(network.apply(voxels), expected, rtol=0, atol=1e-6)


def test_a_file_that_holds_no_such_network_is_refused(network, tmp_path):
    other = tmp_path / "other.safetensors"
    write_model(other, {}, {"kind": "detector"})
    with pytest.raises(ModelFileError, match=r"must be one that `gyrovox denoise` wrote"):
        Noise2Noise.load(other)
    with pytest.raises(MissingFileError, match="is no file"):
        Noise2Noise.load(tmp_path / "absent.safetensors")
    network.save(other)
    arrays, facts = read_model(other)
    write_model(other, dict(list(arrays.items())[1:]), facts)
    with pytest.raises(ModelFileError, match="does not hold what its settings say"):
        Noise2Noise.load(other)


def test_it_is_no_model_to_segment_with(network, tmp_path):
    path = tmp_path / "network.safetensors"
    network.save(path)
    with pytest.raises(ModelFileError, match="does not hold what its configuration says"):
        HierarchicalSegmenter.load(path)
