"""Statistics of a volume that a run finds once, and keeps."""

import json
from collections.abc import Callable
from dataclasses import asdict

from gyrovox.execution import Ledger
from gyrovox.volumes import Normalisation

_STAGE = "statistics"


def kept_normalisation(
    ledger: Ledger, key: str, find: Callable[[], Normalisation]
) -> Normalisation:
    """The normalisation that a run began with.

    Args:
        ledger: The run's.
        key: Which volume it is of.
        find: Finds it, where the run has none yet.

    Returns:
        The normalisation; found once, and the same to the bit whenever the run goes on.

    Raises:
        OutputSpaceError: If there is no room to keep it.
    """
    if not ledger.done(_STAGE, key):
        # Not within `write`, which takes what goes wrong in it for its own.
        found = find()
        with ledger.write(_STAGE, key, ".json") as path:
            path.write_text(json.dumps(asdict(found)), encoding="utf-8")
    values = json.loads(ledger.path(_STAGE, key, ".json").read_text("utf-8"))
    return Normalisation(**{name: tuple(numbers) for name, numbers in values.items()})
