"""What a volume is: voxels (channels, z, y, x), their size, their place in the world."""

from gyrovox.volumes.region import Region as Region
from gyrovox.volumes.source import ArraySink as ArraySink
from gyrovox.volumes.source import ArraySource as ArraySource
from gyrovox.volumes.source import InMemory as InMemory
from gyrovox.volumes.source import slabs as slabs
from gyrovox.volumes.validation import NanPolicy as NanPolicy
from gyrovox.volumes.validation import validated as validated
from gyrovox.volumes.volume import Volume as Volume
from gyrovox.volumes.volume import axis_aligned as axis_aligned
from gyrovox.volumes.volume import is_axis_aligned as is_axis_aligned
