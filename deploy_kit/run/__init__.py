"""The rooms that act: one module a target, each with `observe`, `apply`, `logs` and `stop`."""
