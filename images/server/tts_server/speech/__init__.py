"""From a request to samples: checks, sentences, voices, encoding, admission."""
