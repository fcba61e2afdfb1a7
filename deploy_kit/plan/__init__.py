"""From a verdict to a stack, and from a stack and what is there to ordered steps. Pure."""
