"""Reading and writing volume files."""
