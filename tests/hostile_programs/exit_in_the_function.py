# Exits from the function that is checked.
# verdict: error
def add(a, b):
    raise SystemExit(0)
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
