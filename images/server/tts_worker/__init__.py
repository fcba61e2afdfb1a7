"""A worker: one process that runs one speech engine and speaks over an inherited socket."""
