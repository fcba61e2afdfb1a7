"""The speech engines of the service: the built-in voice, and IndexTTS from its licence to its workers."""
