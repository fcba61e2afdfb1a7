"""Probes that make sense anywhere, inside the image too: nothing here knows of container engines."""
