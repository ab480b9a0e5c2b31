# Lets another program allocate a gigabyte.
# verdict: error|failed|memory
# limits: memory=268435456 seconds=5
import subprocess, sys
done = subprocess.run([sys.executable, '-c', 'x = bytearray(1 << 30)'], capture_output=True)
assert done.returncode == 0, done.stderr[-50:]

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
