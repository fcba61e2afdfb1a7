"""A stand-in for IndexTTS in tests: upstream's signatures, real torch, and tones for speech."""

STAND_IN = True
