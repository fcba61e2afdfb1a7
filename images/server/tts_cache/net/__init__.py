"""HTTP as the cache needs it, and how patient it is."""
