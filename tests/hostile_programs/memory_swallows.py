# Swallows every MemoryError.
# verdict: failed|memory
# limits: memory=268435456 seconds=5
kept = []
for _ in range(100):
    try:
        kept.append(bytearray(20_000_000))
    except MemoryError:
        pass

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
