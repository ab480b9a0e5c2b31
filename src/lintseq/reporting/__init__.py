"""Pages about data sets and evaluations: one file of HTML each, which needs nothing else and loads nothing.

Owns how they look in a browser. What is in them is worked out elsewhere; the parts that pages are made of
are files in `templates/`.
"""
