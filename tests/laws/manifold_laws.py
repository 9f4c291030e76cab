"""Laws that every manifold keeps: plain functions, to be run over manifolds, curvatures, dtypes.

Each takes a manifold, codes u, w, v of shape (n, dim) and a tolerance. An isometry that fixes the
origin is an orthogonal matrix; one that moves it is `code_add` from the left.
"""

import torch
from torch.testing import assert_close


def check_log_origin_inverts_exp_origin(manifold, u, tolerance):
    assert_close(manifold.log_origin(manifold.exp_origin(u)), u, rtol=tolerance, atol=tolerance)


def check_a_code_is_half_the_distance_from_the_origin(manifold, u, tolerance):
    length = 2 * torch.linalg.vector_norm(u, dim=-1)
    assert_close(manifold.code_distance(torch.zeros_like(u), u), length, rtol=tolerance, atol=0)


def check_code_distance_is_the_distance_of_points(manifold, u, w, tolerance):
    points = manifold.distance(manifold.exp_origin(u), manifold.exp_origin(w))
    assert_close(manifold.code_distance(u, w), points, rtol=tolerance, atol=tolerance)


def check_distance_is_a_metric(manifold, u, w, v, tolerance):
    there, back = manifold.code_distance(u, w), manifold.code_distance(w, u)
    assert_close(there, back, rtol=tolerance, atol=0)
    assert bool((manifold.code_distance(u, u) == 0).all())
    detour = manifold.code_distance(u, v) + manifold.code_distance(v, w)
    assert bool((there <= detour * (1 + tolerance)).all())


def check_pairs_agree_with_rows(manifold, u, w, tolerance):
    table = manifold.pairwise_code_distance(u, w[:3])
    rows = manifold.code_distance(u.unsqueeze(1), w[:3].unsqueeze(0))
    assert_close(table, rows, rtol=tolerance, atol=0)


def check_translation_is_an_isometry(manifold, u, w, v, tolerance):
    moved = manifold.code_distance(manifold.code_add(v, u), manifold.code_add(v, w))
    assert_close(moved, manifold.code_distance(u, w), rtol=tolerance, atol=tolerance)


def check_translation_back_is_the_inverse(manifold, u, v, tolerance):
    assert_close(manifold.code_add(-v, manifold.code_add(v, u)), u, rtol=tolerance, atol=tolerance)


def check_rotation_is_an_isometry(manifold, u, w, tolerance):
    turn, _ = torch.linalg.qr(torch.randn(u.shape[-1], u.shape[-1], dtype=torch.float64))
    turn = turn.to(u.dtype)
    moved = manifold.code_distance(u @ turn, w @ turn)
    assert_close(moved, manifold.code_distance(u, w), rtol=tolerance, atol=tolerance)


def check_frechet_mean_is_where_the_squared_distances_balance(manifold, u, weights, tolerance):
    mean = manifold.frechet_mean(u.double(), weights.double()).requires_grad_()
    loss = (weights.double() * manifold.code_distance(mean, u.double()).square()).sum()
    (slope,) = torch.autograd.grad(loss, mean)
    assert float(slope.abs().max()) <= tolerance * max(1.0, loss.item())


def check_frechet_mean_moves_with_isometries(manifold, u, v, weights, tolerance):
    shift = v[:1].double()
    moved = manifold.frechet_mean(manifold.code_add(shift, u.double()), weights.double())
    mean = manifold.frechet_mean(u.double(), weights.double())
    assert_close(moved, manifold.code_add(shift[0], mean), rtol=tolerance, atol=tolerance)
