# Ends the process from another thread, a little later.
# verdict: error
import os, threading, time
threading.Thread(target=lambda: os._exit(0)).start()
time.sleep(1)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
