"""The clustering stage sharpens assignments, and voxels get what they are most assigned to."""

import copy

import numpy as np
import pytest
import torch
from benchmarks.quality.methods.nalepa2020 import Autoencoder, nearest, refined
from benchmarks.quality.networks.sampled_kmeans import kmeans_of_some
from benchmarks.quality.networks.soft_assignment import ClusteringLayer
from torch import nn


def test_the_nearest_centre_is_the_one_most_assigned_to():
    codes, centres = torch.randn(50, 5), torch.randn(4, 5)
    with torch.no_grad():
        most = ClusteringLayer(centres)(codes).argmax(1)
    np.testing.assert_array_equal(nearest(codes.numpy(), centres.numpy()), most)


@pytest.fixture
def refinement():
    torch.manual_seed(0)
    network = Autoencoder(1)
    patches = torch.randn(300, 1, 1, 1, 1) + 0.3 * torch.randn(300, 1, 7, 7, 7)
    # Else codes near 0 move most by reconstruction, whatever the assignments are.
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        nn.functional.mse_loss(network(patches[:64])[1], patches[:64]).backward()
        optimiser.step()
    with torch.no_grad():
        codes = network.encoder.codes_of_patches(patches).numpy()
    layers = nn.ModuleList(
        ClusteringLayer(torch.from_numpy(kmeans_of_some(codes, k, 0).cluster_centers_))
        for k in (2, 4)
    )
    return network, layers, patches


def test_refinement_makes_assignments_surer_and_patches_better(refinement):
    network, layers, patches = refinement

    def state():
        with torch.no_grad():
            codes, decoded = network(patches)
            sure = [layer(codes).amax(1).mean().item() for layer in layers]
        return sure, nn.functional.mse_loss(decoded, patches).item()

    sure, error = state()
    refined(network, layers, patches, np.random.default_rng(0), steps=12)
    surer, smaller = state()
    assert all(after > before for before, after in zip(sure, surer, strict=True))
    assert smaller < error


def test_refinement_moves_encoder_and_centres(refinement):
    network, layers, patches = refinement
    before = copy.deepcopy(network), copy.deepcopy(layers)
    refined(network, layers, patches, np.random.default_rng(0), steps=2)
    for now, then in zip((network, layers), before, strict=True):
        assert not any(
            one.equal(other) for one, other in zip(now.parameters(), then.parameters(), strict=True)
        )
