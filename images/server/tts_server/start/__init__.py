"""From nothing to a serving process: the order of the start, its ledger, the preflight, the drain."""
