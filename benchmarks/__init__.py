"""Measurements: how fast the parts are, and how good the segmentations."""
