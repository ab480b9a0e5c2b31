# Writes a lot at once.
# verdict: output
# task: stdin
# limits: memory=268435456
import os
block = bytes(10_000_000)
for _ in range(100):
    os.write(1, block)
