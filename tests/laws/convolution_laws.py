"""Laws that both convolutions over codes keep, whatever their window and meaning."""

import pytest
import torch
from torch.testing import assert_close


def check_becomes_its_twin(curved, flat, codes):
    """At a vanishing curvature, a layer with the values of its Euclidean twin gives the same."""
    flat.load_state_dict(curved.state_dict())
    assert_close(curved.double()(codes), flat.double()(codes), rtol=1e-8, atol=1e-8)


def starting_values(kinds, *arguments, **options):
    """What layers of several kinds start from, drawn after the same seed: all the same."""
    states = []
    for kind in kinds:
        torch.manual_seed(0)
        states.append(kind(*arguments, **options).state_dict())
    for state in states[1:]:
        assert_close(state, states[0])
    return states[0]


def check_float32_agrees_with_float64(layer, codes):
    """On codes of about the radius of curvature."""
    radius = (-layer.curvature) ** -0.5
    codes = radius * codes
    expected = layer.double()(codes.double())
    found = layer.float()(codes)
    assert found.dtype == torch.float32
    assert_close(found.double(), expected, rtol=1e-4, atol=2e-5 * radius)


def check_gradients(layer):
    """In codes of two channels and in parameters, at the origin and elsewhere."""
    layer = layer.double()
    for size in (0.0, 1.0):
        codes = (size * torch.randn(1, 2, 2, 2, 2, dtype=torch.float64)).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda u, weight, offset: torch.func.functional_call(
                layer, {"weight": weight, "offset": offset}, (u,)
            ),
            (codes, layer.weight, layer.offset),
            fast_mode=True,  # along random directions, not one number after another
        )


def check_is_restored_from_its_state(layer, other, codes, file):
    """A layer of the same settings that is given the state gives the same."""
    torch.save(layer.state_dict(), file)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(codes), layer(codes))


def check_an_empty_batch(layer):
    """Of four channels: a batch of none goes through, as in ``nn.Conv3d``, and back."""
    codes = torch.zeros(0, 4, 3, 3, 3, requires_grad=True)
    features = layer(codes)
    assert features.shape == (0, *layer(torch.zeros(1, 4, 3, 3, 3)).shape[1:])
    features.sum().backward()
    assert not layer.weight.grad.any()


def check_second_derivatives(layer):
    """Of two channels: right where windows are joined, an error where they are not."""
    layer = layer.double()
    codes = torch.randn(1, 2, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    if layer.planes.meaning == "concatenated":
        assert torch.autograd.gradgradcheck(layer, (codes,))
        return
    with pytest.raises(RuntimeError, match=r"must be differentiated once.*Choose 'concatenated'"):
        torch.autograd.functional.hessian(lambda u: layer(u).sum(), codes.detach())
