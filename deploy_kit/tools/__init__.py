"""One thin wrapper for each program we drive. They know the program's words, not our plans."""
