"""What a volume is, and volumes made from a seed."""
