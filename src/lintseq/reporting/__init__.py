"""Pages about data sets: one file of HTML each, which needs nothing else and asks nothing of the network.

Owns how data sets look in a browser. What is in them is worked out elsewhere; the parts that pages are made of
are files in `templates/`.
"""
