"""Getting files over HTTP: bytes are counted and hashed as they come, and a cut costs only what was under way."""
