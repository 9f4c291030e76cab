"""The clustering stage sharpens assignments, and voxels get what they are most assigned to."""

import copy

import numpy as np
import pytest
import torch
from benchmarks.quality.methods import nalepa2020
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
    with torch.no_grad():
        codes = network.encoder.codes_of_patches(patches).numpy()
    layers = nn.ModuleList(
        ClusteringLayer(torch.from_numpy(kmeans_of_some(codes, k, 0).cluster_centers_))
        for k in (2, 4)
    )
    return network, layers, patches


def test_clustering_makes_assignments_surer(refinement, monkeypatch):
    monkeypatch.setattr(nalepa2020, "_CLUSTERING_WEIGHT", 10.0)
    network, layers, patches = refinement

    def sure():
        with torch.no_grad():
            codes = network.encoder.codes_of_patches(patches)
            return [layer(codes).amax(1).mean().item() for layer in layers]

    before = sure()
    refined(network, layers, patches, np.random.default_rng(0), steps=10)
    assert all(after > then for then, after in zip(before, sure(), strict=True))


def test_reconstruction_goes_on_and_is_no_business_of_the_centres(refinement, monkeypatch):
    monkeypatch.setattr(nalepa2020, "_CLUSTERING_WEIGHT", 0.0)
    network, layers, patches = refinement
    centres = copy.deepcopy(layers)

    def error():
        with torch.no_grad():
            return nn.functional.mse_loss(network(patches)[1], patches).item()

    before = error()
    refined(network, layers, patches, np.random.default_rng(0), steps=6)
    assert error() < before
    for now, then in zip(layers.parameters(), centres.parameters(), strict=True):
        assert now.equal(then)


def test_refinement_moves_encoder_and_centres(refinement):
    network, layers, patches = refinement
    before = copy.deepcopy(network), copy.deepcopy(layers)
    refined(network, layers, patches, np.random.default_rng(0), steps=2)
    for now, then in zip((network, layers), before, strict=True):
        assert not any(
            one.equal(other) for one, other in zip(now.parameters(), then.parameters(), strict=True)
        )
