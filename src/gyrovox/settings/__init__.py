"""Settings and named configurations; loads no torch."""
