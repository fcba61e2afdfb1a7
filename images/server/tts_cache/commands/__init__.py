"""The command line of cache_hub: wishes come from flags, else from the service's own ``TTS_…`` variables."""
