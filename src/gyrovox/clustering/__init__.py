"""Grouping codes into classes."""
