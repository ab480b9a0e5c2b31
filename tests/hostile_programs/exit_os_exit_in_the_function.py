# Ends the process from the function that is checked.
# verdict: error
import os


def add(a, b):
    os._exit(0)
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
