"""A host as people and programs are shown it: the page of ``doctor``, its JSON, and the table of several hosts."""
