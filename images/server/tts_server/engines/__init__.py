"""The speech engines of the service: what each is to the rest, the built-in voice, and who answers whom."""
