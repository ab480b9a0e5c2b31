# Allocates 20 MB after 20 MB and uses it.
# verdict: memory
# limits: memory=268435456 seconds=5
kept = []
for _ in range(100):
    kept.append(bytearray(b'x' * 20_000_000))

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
