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
from .label_export import export_labels as export_labels
from .label_export import export_mask as export_mask
from .mesh_export import export_mesh as export_mesh
from .node_colours import hexadecimal as hexadecimal
from .node_colours import node_colours as node_colours
from .node_components import Components as Components
from .node_components import components as components
from .point_export import export_points as export_points
from .result_folder import ResultFolder as ResultFolder
from .result_folder import level_files as level_files
from .result_folder import result_folders as result_folders
from .result_folder import run_record as run_record
from .result_folder import source_volume as source_volume
