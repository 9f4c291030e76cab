"""What the tests of layers run over."""

import pytest


@pytest.fixture(params=["shared", "per_offset", "concatenated"], scope="session")
def meaning(request):
    return request.param


@pytest.fixture(params=[-0.1, -1.0, -4.0], scope="session")
def curvature(request):
    return request.param
