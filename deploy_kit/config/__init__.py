"""What the user wants: ``deploykit.yaml``, environment and flags, joined into one `Request`."""
