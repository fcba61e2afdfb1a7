"""Real deployments on a simulated host with NVIDIA cards; see `tests.support.gpu_host`."""
