# Imports a module that does not exist.
# verdict: error
import there_is_no_such_module

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
