"""The explorer: a local server for a linked view of slices, latent disk and tree."""
