"""How a volume becomes patches: normalisation, scales, triplets."""
