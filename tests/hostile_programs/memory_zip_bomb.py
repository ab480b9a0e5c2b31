# Decompresses a zip bomb.
# verdict: memory
# limits: memory=268435456 seconds=5
import zlib
packer = zlib.compressobj(9)
small = b''.join(packer.compress(bytes(10_000_000)) for _ in range(40)) + packer.flush()
big = zlib.decompress(small)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
