# Maps shared memory and writes to it.
# verdict: error|memory
# limits: memory=268435456 seconds=5
import mmap, time
kept = []
for _ in range(18):
    kept.append(mmap.mmap(-1, 100_000_000))
    for place in range(0, 100_000_000, 4096):
        kept[-1][place] = 1
time.sleep(3)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
