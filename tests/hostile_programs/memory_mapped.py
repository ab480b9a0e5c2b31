# Maps private memory and writes to it.
# verdict: error|memory
# limits: memory=268435456 seconds=5
import mmap
kept = []
for _ in range(20):
    kept.append(mmap.mmap(-1, 100_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    for place in range(0, 100_000_000, 4096):
        kept[-1][place] = 1

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
