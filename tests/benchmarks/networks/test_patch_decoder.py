"""A decoder gives back patches of the shape that its encoder saw."""

import torch
from benchmarks.quality.networks.patch_decoder import PatchDecoder
from benchmarks.quality.networks.patch_encoder import PatchEncoder


def test_its_patches_are_those_of_the_encoder():
    widths = (4, 6, 5)
    patches = torch.randn(2, 3, *PatchEncoder(3, widths).field)
    codes = PatchEncoder(3, widths).codes_of_patches(patches)
    assert PatchDecoder(3, widths)(codes).shape == patches.shape


def test_its_last_layer_reaches_values_of_both_signs():
    torch.manual_seed(0)
    decoded = PatchDecoder(1, (4, 6, 5))(torch.randn(20, 5))
    assert decoded.min() < 0 < decoded.max()
