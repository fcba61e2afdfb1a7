"""The sequences: what a command does, from the host's facts to the proof. The only room that knows the whole way."""
