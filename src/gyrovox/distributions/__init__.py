"""Distributions on the ball and their Euclidean twins."""
