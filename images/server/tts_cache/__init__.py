"""cache_hub: model weights fetched once, checked against a lock, and never lost."""
