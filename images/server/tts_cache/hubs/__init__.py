"""Where weights come from: the hubs, their mirrors, and which of them to ask first."""
