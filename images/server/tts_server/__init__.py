"""The server: HTTP API, WebUI and the supervisor of workers, in one process with one event loop."""
