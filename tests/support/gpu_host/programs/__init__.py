"""Programs of NVIDIA's container toolkit, as far as a container can tell."""
