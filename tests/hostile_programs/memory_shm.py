# Fills /dev/shm.
# verdict: error
# limits: memory=268435456 seconds=5
with open('/dev/shm/full', 'wb') as file:
    for _ in range(200):
        file.write(bytes(1_000_000))

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
