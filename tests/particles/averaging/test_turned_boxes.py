"""Boxes in other turns, beside the molecule drawn so."""

import numpy as np
import torch
from scattered_molecules import molecule, turn

from gyrovox.particles.averaging.turned_boxes import turned_each, turned_volumes, turned_weights

TURNS = np.stack([np.eye(3), turn((1, 0, 0), 90), turn((0.3, -0.5, 0.8), 40)])
AS_TENSOR = torch.from_numpy(TURNS).float()


def test_what_was_at_a_point_is_where_the_turn_takes_it():
    turned = turned_volumes(torch.from_numpy(molecule(16)), AS_TENSOR)
    for found, matrix in zip(turned.numpy(), TURNS, strict=True):
        np.testing.assert_allclose(found, molecule(16, matrix), atol=0.05)


def test_each_box_has_its_own_turn():
    boxes = torch.from_numpy(np.stack([molecule(16, matrix) for matrix in TURNS]))
    back = turned_each(boxes, AS_TENSOR.transpose(1, 2)).numpy()
    for found in back:
        np.testing.assert_allclose(found, molecule(16), atol=0.2)
    np.testing.assert_allclose(back[0], molecule(16), atol=1e-5)


def test_weights_turn_as_the_box_does():
    weights = torch.zeros(12, 12, 7)
    weights[3, 0, 0] = weights[9, 0, 0] = 1  # 3 and -3 along z
    onto_x = torch.from_numpy(turn((0, 1, 0), 90)[None]).float()
    turned = turned_weights(weights, onto_x)
    assert turned[0, 0, 0, 3] > 0.99
    assert turned.sum() < 1.01


def test_a_whole_weight_stays_whole():
    turned = turned_weights(torch.ones(12, 12, 7), AS_TENSOR)
    inside = torch.ones(12, 12, 7, dtype=torch.bool)
    axis = torch.fft.fftfreq(12).abs()
    inside &= (axis < 0.25)[:, None, None] & (axis < 0.25)[:, None] & (torch.arange(7) < 3)
    torch.testing.assert_close(turned[:, inside], torch.ones(3, int(inside.sum())))
