"""Pictures and records of what was done."""

from .overview import overview as overview
