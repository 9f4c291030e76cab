"""The report: one self-contained page that says what a segmentation made of a volume."""

from .document import write_report as write_report
from .finished_run import FinishedRun as FinishedRun
