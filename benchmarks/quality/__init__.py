"""How good the segmentations are, beside simple and prior methods on the same volumes."""
