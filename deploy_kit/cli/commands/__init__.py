"""One module a command, imported only when that command runs. Each has ``run(session) -> int`` (the exit code)."""
