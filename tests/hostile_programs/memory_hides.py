# Hides from those who measure memory, with two children that allocate 150 MB each.
# verdict: memory
# task: stdin
# needs: proc
# limits: memory=200000000 seconds=5
import ctypes, os, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        x = b"x" * 150_000_000
        time.sleep(5)
        os._exit(0)
time.sleep(5)
print('BREACH')
