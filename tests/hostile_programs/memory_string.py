# Doubles a string.
# verdict: memory
# limits: memory=268435456 seconds=5
x = 'x'
for _ in range(31):
    x += x

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
