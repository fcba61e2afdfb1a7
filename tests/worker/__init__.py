"""The worker as a process: its guard against stubs of NVIDIA's libraries, its engines with real torch."""
