"""Particles of a tomogram: found, counted, averaged."""
