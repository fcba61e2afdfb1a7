"""Which device and which mode: decided from tables and figures, promised to other stacks, judged by failures."""
