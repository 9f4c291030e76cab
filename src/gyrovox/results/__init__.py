"""What a finished segmentation left in its folder, and what can be taken out of it."""
