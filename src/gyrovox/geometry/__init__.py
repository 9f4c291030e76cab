"""Hyperbolic space as pure functions of tensors, and its Euclidean control."""
