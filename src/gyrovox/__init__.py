"""Label-free, multi-level segmentation of 3-D biomedical volumes."""
