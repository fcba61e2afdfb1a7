"""The server's side of a worker: frames, one process, and its supervisor."""
