"""Every method on the same volumes: what a method is, what data are, and the run over both."""
