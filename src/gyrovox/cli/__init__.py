"""The command line; one file per command, and no torch before there is work for it."""

from .program import main as main
