# Forks and exits again and again, in a new session each time, 2000 times at most.
# verdict: passed
# task: stdin
import os
if os.fork() == 0:
    for _ in range(2000):
        if os.fork():
            os._exit(0)
        os.setsid()
