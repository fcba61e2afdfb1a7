"""What stands between the network and the application: connections, their limits, the table of addresses."""
