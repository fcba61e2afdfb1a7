"""Sound as bytes and files: headers, rates, joins, reference clips."""
