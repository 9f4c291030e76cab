"""What a finished segmentation holds: its tree, classes chosen by hand, colours, exports."""

from .class_table import ClassTable as ClassTable
from .class_table import class_of_leaves as class_of_leaves
from .class_table import first_cut as first_cut
from .disk import DiskMap as DiskMap
from .disk import disk_map as disk_map
from .disk import disk_positions as disk_positions
from .edits_file import read_edits as read_edits
from .edits_file import write_edits as write_edits
from .hand_edits import Group as Group
from .hand_edits import HandEdits as HandEdits
from .node_colours import hexadecimal as hexadecimal
from .node_colours import node_colours as node_colours
from .result_folder import ResultFolder as ResultFolder
from .result_folder import level_files as level_files
from .result_folder import result_folders as result_folders
from .result_folder import run_record as run_record
from .result_folder import source_volume as source_volume
