# Fills a dictionary.
# verdict: memory
# limits: memory=268435456 seconds=5
x = {}
for i in range(8_000_000):
    x[i] = (i, i)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
