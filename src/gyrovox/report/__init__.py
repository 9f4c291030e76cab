"""Pictures and records of what was done."""

from .evaluation_table import evaluation_markdown as evaluation_markdown
from .evaluation_table import evaluation_table as evaluation_table
from .hierarchy_table import hierarchy_markdown as hierarchy_markdown
from .hierarchy_table import hierarchy_table as hierarchy_table
from .overview import overview as overview
from .run_record import write_run_record as write_run_record
