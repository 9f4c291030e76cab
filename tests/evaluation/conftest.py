import numpy as np
import pytest


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """Draws that are the same in every run."""
    return np.random.default_rng(seed)
