"""Probes of the place where deploykit itself runs: the container engine, the port, the network's customs."""
