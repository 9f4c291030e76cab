"""Dense embedding of whole volumes."""
