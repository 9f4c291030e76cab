"""An encoder of patches gives a patch the code that it has inside a volume."""

import pytest
import torch
from benchmarks.quality.networks.patch_encoder import PatchEncoder


@pytest.fixture(params=[{}, {"kernel": (1, 3, 3)}, {"dilations": (1, 2, 2)}], ids=str)
def encoder(request):
    torch.manual_seed(0)
    return PatchEncoder(2, (4, 5, 6), batch_norm=True, **request.param).eval()


def test_a_patch_has_the_code_of_its_voxel(encoder):
    volume = torch.randn(1, 2, 14, 15, 16)
    z, y, x = encoder.field
    patch = volume[:, :, 1 : 1 + z, 2 : 2 + y, 3 : 3 + x]
    code = encoder.codes_of_patches(patch)[0]
    torch.testing.assert_close(code, encoder(volume)[0, :, 1, 2, 3], rtol=1e-4, atol=1e-5)


def test_a_code_sees_its_field_and_no_more(encoder):
    volume = torch.randn(1, 2, 14, 15, 16, requires_grad=True)
    encoder(volume)[0, :, 0, 0, 0].square().sum().backward()
    seen = volume.grad.abs().sum((0, 1)).nonzero()
    assert tuple((seen.amax(0) + 1).tolist()) == encoder.field
    assert seen.amin(0).tolist() == [0, 0, 0]
