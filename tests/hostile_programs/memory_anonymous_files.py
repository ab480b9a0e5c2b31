# Creates files that exist only in memory.
# verdict: error
# limits: memory=268435456 seconds=5
import os
kept = []
for number in range(20):
    kept.append(os.memfd_create('x'))
    for _ in range(10):
        os.write(kept[-1], bytes(10_000_000))
print('BREACH: 2 GB in files that nothing limits')

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
