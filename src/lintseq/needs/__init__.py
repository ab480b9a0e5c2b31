"""What the lines of a program need of each other: the graph, and explanations of it."""
