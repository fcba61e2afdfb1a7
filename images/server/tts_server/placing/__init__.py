"""Which device and which mode: decided from tables and figures, without touching a device."""
