# Waits for threads that compute.
# verdict: timeout
# limits: seconds=0.6
import threading, time
def spin():
    end = time.time() + 60
    while time.time() < end:
        pass
threads = [threading.Thread(target=spin) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
