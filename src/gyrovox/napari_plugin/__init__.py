"""The napari plugin: a reader for results, and a dock widget with their levels."""
