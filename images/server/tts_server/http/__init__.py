"""What is spoken over HTTP: the OpenAI endpoints, probes, metrics, the key."""
