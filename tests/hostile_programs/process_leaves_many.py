# Ends at once, and leaves more processes behind than it may have.
# verdict: error
# task: stdin
# limits: processes=4 seconds=5
import os, time
for _ in range(8):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
