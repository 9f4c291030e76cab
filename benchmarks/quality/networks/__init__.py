"""Networks, and parts of methods, that more than one compared method needs or that are long."""
