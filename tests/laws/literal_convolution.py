"""Gyroplane convolutions by their definitions, in Python's own floats: loops and textbook forms.

Shares no code and no formula with the package: Möbius additions, where the package multiplies
matrices; windows that are written out, where it never gathers one.
"""

import itertools
import math

import torch
from scipy.special import beta


def dot(x, y):
    return sum(a * b for a, b in zip(x, y, strict=True))


def norm(x):
    return math.sqrt(dot(x, x))


def times(factor, x):
    return [factor * a for a in x]


def exp_origin(u, c):
    size = math.sqrt(c) * norm(u)
    return times(math.tanh(size) / size, u) if size else list(u)


def mobius_add(x, y, c):
    xy, xx, yy = dot(x, y), dot(x, x), dot(y, y)
    below = 1 + 2 * c * xy + c * c * xx * yy
    return [
        ((1 + 2 * c * xy + c * yy) * a + (1 - c * xx) * b) / below
        for a, b in zip(x, y, strict=True)
    ]


def distance_to_plane(z, p, a, c):
    """Signed distance from {z : ⟨(−p) ⊕ z, a⟩ = 0}: theorem 5 of Ganea et al. (2018)."""
    w = mobius_add(times(-1, p), z, c)
    root = math.sqrt(c)
    return math.asinh(2 * root * dot(w, a) / ((1 - c * dot(w, w)) * norm(a))) / root


def response(code, normal, half, c):
    """2 |Z| d(exp_0 u, H), with H through exp_0(r Z / |Z|), perpendicular to Z."""
    size = norm(normal)
    p = exp_origin(times(half / size, normal), c)
    return 2 * size * distance_to_plane(exp_origin(code, c), p, normal, c)


def joined(codes, c):
    """β-concatenation of the points of codes, back in the tangent space of the origin."""
    dim, total = len(codes[0]), sum(map(len, codes))
    return [beta(total / 2, 0.5) / beta(dim / 2, 0.5) * entry for code in codes for entry in code]


def features(window, normals, halves, meaning, c):
    """One output at one voxel. The window is {(m, δ): code}; normals and halves have its keys."""
    if meaning == "concatenated":
        keys = list(window)
        whole = [entry for key in keys for entry in normals[key]]
        return response(joined([window[key] for key in keys], c), whole, halves, c)
    return sum(response(window[key], normals[key], halves[key], c) for key in window)


def parameters(layer, weight, out):
    """Gyroplanes of one output by (m, δ). The weight is in the order of nn.Conv3d."""
    planes, kernel = layer.planes, layer.kernel_size
    normals, halves = {}, {}
    for m in range(planes.in_group // planes.dim):
        for delta in itertools.product(*map(range, kernel)):
            own = (0, 0, 0) if planes.meaning == "shared" else delta
            first = m * planes.dim
            normals[m, delta] = weight[out, first : first + planes.dim, *own].tolist()
            if planes.meaning != "concatenated":
                halves[m, delta] = layer.offset[out, m, *own].item()
    return normals, layer.offset[out].item() if planes.meaning == "concatenated" else halves


def evaluate(layer, weight, shape, code_at, *, c):
    """All outputs, of shape (batch, z, y, x): `code_at(b, channels, where, δ)` gives the codes."""
    planes, out_channels = layer.planes, layer.out_channels
    batch, *sides = shape
    result = torch.zeros(batch, out_channels, *sides, dtype=torch.float64)
    keys = list(
        itertools.product(
            range(planes.in_group // planes.dim),
            itertools.product(*map(range, layer.kernel_size)),
        )
    )
    for out in range(out_channels):
        group = out // (out_channels // planes.groups)
        normals, halves = parameters(layer, weight, out)
        for b, where in itertools.product(range(batch), itertools.product(*map(range, sides))):
            window = {}
            for m, delta in keys:
                first = group * planes.in_group + m * planes.dim
                window[m, delta] = code_at(b, slice(first, first + planes.dim), where, delta)
            result[b, out, *where] = features(window, normals, halves, planes.meaning, c)
    return result


def convolution(layer, codes, border, *, c):
    """`GyroplaneConv3d` of codes whose border is written out."""
    reach = [d * (k - 1) for k, d in zip(layer.kernel_size, layer.dilation, strict=True)]
    shape = [
        (length - far - 1) // s + 1
        for length, far, s in zip(border.shape[2:], reach, layer.stride, strict=True)
    ]

    def code_at(b, channels, where, delta):
        at = [
            w * s + e * d
            for w, s, e, d in zip(where, layer.stride, delta, layer.dilation, strict=True)
        ]
        return border[b, channels, *at].tolist()

    return evaluate(layer, layer.weight, (len(codes), *shape), code_at, c=c)


def transposed_convolution(layer, codes, *, c):
    """`GyroplaneConvTranspose3d`: a voxel that no code reaches by δ reads the origin."""
    shape = [
        (length - 1) * s - 2 * p + d * (k - 1) + more + 1
        for length, s, p, d, k, more in zip(
            codes.shape[2:],
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.kernel_size,
            layer.output_padding,
            strict=True,
        )
    ]

    def code_at(b, channels, where, delta):
        at = []
        for w, p, e, d, s, length in zip(
            where,
            layer.padding,
            delta,
            layer.dilation,
            layer.stride,
            codes.shape[2:],
            strict=True,
        ):
            voxel, rest = divmod(w + p - e * d, s)
            if rest or not 0 <= voxel < length:
                return [0.0] * layer.planes.dim
            at.append(voxel)
        return codes[b, channels, *at].tolist()

    # From (in, out / groups, …) to (out, in / groups, …).
    weight = torch.cat([part.transpose(0, 1) for part in layer.weight.detach().chunk(layer.groups)])
    return evaluate(layer, weight, (len(codes), *shape), code_at, c=c)
