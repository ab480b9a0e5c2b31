# Passes and leaves processes, threads and files.
# verdict: passed
# limits: seconds=2
import subprocess, threading, time
for _ in range(5):
    subprocess.Popen(['sleep', '60'])
    threading.Thread(target=time.sleep, args=(60,)).start()
open('rubbish', 'wb').write(bytes(10_000_000))


def add(a, b):
    return a + b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
