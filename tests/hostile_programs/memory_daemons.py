# Lets daemons in their own sessions allocate 150 MB each.
# verdict: memory
# task: stdin
# needs: proc
# limits: memory=200000000 seconds=5
import os, time
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            x = b"x" * 150_000_000
            time.sleep(5)
        os._exit(0)
    os.wait()
time.sleep(5)
print('BREACH')
