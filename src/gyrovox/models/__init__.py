"""Encoder, decoder and the variational autoencoder they make."""
