"""Reading and writing volume files."""

from gyrovox.io.description import FileDescription as FileDescription
from gyrovox.io.description import describe as describe
from gyrovox.io.reading import read as read
from gyrovox.io.tree_file import read_tree as read_tree
from gyrovox.io.tree_file import read_trunk as read_trunk
from gyrovox.io.tree_file import write_tree as write_tree
from gyrovox.io.tree_file import write_trunk as write_trunk
from gyrovox.io.volume_format import DatasetDescription as DatasetDescription
from gyrovox.io.writing import label_suffix as label_suffix
from gyrovox.io.writing import stem as stem
from gyrovox.io.writing import write as write
from gyrovox.io.writing import write_label_source as write_label_source
from gyrovox.io.writing import write_labels as write_labels
