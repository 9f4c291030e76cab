"""Spikes of virions: where they stand on the membrane, and how many there are."""

from gyrovox.settings.spikes import SpikeSettings as SpikeSettings

from .discovery import FoundSpikes as FoundSpikes
from .discovery import SpikeDiscovery as SpikeDiscovery
from .discovery import discover_spikes as discover_spikes
from .discovery import suited as suited
from .membrane import MembraneSurface as MembraneSurface
from .membrane import fit_membrane as fit_membrane
from .virions import Virion as Virion
from .virions import cut_virions as cut_virions
