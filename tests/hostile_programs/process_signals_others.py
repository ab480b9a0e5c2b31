# Looks for processes that it could send signals to: its parent and siblings.
# verdict: passed
# task: stdin
import os
for pid in range(2, os.getpid() + 200):
    if pid != os.getpid():
        try:
            os.kill(pid, 0)
            print('BREACH', pid)
        except OSError:
            pass
