"""What stands on the page: the form for each kind of engine, and how the service is at the moment."""
