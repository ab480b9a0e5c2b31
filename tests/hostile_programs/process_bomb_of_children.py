# Every child forks, forty at most.
# verdict: passed|error
# task: stdin
# limits: processes=16 seconds=5
import os, time
for _ in range(5):
    try:
        os.fork()
    except OSError:
        break
time.sleep(0.2)
