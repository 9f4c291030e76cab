"""How fast the parts are, beside their competitors in the same run."""
