# Passes, and leaves a running thread; the verdict does not wait.
# verdict: passed
# limits: seconds=0.6
import threading, time


def spin():
    end = time.time() + 60
    while time.time() < end:
        time.sleep(0.01)


threading.Thread(target=spin).start()


def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
