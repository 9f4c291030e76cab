"""Parts that compared methods share: networks, losses, augmentations, a concept each."""
