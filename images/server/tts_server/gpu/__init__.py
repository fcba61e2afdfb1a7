"""GPUs as the server sees them: through NVML and files, never through a CUDA context."""
