# Repeats a list.
# verdict: memory
# limits: memory=268435456 seconds=5
x = [0] * (1 << 28)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
