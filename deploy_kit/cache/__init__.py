"""cache_hub as the host sees it: what is asked of `tts_cache`, where it runs, and what it tells."""
