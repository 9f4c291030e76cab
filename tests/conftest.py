"""What every test may ask for: a seed, a device, the shared volumes."""

import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
# Makes the laws importable: tests are no packages.
sys.path.insert(0, str(REPOSITORY / "tests" / "laws"))

# The first call into torch takes longer than hypothesis' 200 ms, and a failure must come back.
hypothesis.settings.register_profile("gyrovox", deadline=None, derandomize=True)
hypothesis.settings.load_profile("gyrovox")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--device", default="cpu", help="where tests that ask for `device` run: cpu or cuda"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device; this machine has none"))


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Workers that each start two threads on two cores wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seed() -> int:
    """Every generator that a test may draw from starts at the same place."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries under test may still draw from it
    return 0


@pytest.fixture
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.device:
    """The device a test computes on: CUDA where the test is marked `gpu`, else `--device`."""
    # TensorFloat-32, torch's default for convolutions on a GPU, has three digits.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    if request.node.get_closest_marker("gpu"):
        return torch.device("cuda")
    return torch.device(request.config.getoption("--device"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real volumes beside the repository; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real volumes are absent: ../shared/data is not beside this repository")
    return SHARED_DATA
