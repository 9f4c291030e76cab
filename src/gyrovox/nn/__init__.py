"""Layers that read codes on the ball."""
