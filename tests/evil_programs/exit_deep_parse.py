# Nests too deeply for the parser.
# verdict: error
x = ()


def add(a, b):
    return a - b


# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
