"""A comparison of ways to train, end to end: from pairs to a report, as a graph of the other commands."""
