"""Running a task on many items, on one machine or many, so that it survives.

Knows nothing of volumes. A run has a folder of its own: `exclusive` keeps others out of it,
`Ledger` knows which pieces in it are finished, an `Executor` makes those that are not, `stoppable`
lets it end well, and `StageTimes` says what it took.
"""

from .choosing import executor as executor
from .dask_cluster import Dask as Dask
from .executor import Executor as Executor
from .executor import Serial as Serial
from .ledger import Ledger as Ledger
from .lock import exclusive as exclusive
from .piece_file import Contents as Contents
from .piece_file import written_piece as written_piece
from .processes import Processes as Processes
from .profile import Spent as Spent
from .profile import StageTimes as StageTimes
from .profile import peak_memory_bytes as peak_memory_bytes
from .stopping import stoppable as stoppable
