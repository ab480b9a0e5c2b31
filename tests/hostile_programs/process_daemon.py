# Leaves a daemon in its own session.
# verdict: passed
# task: stdin
# stdout: 'left\n'
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (1, 2, 15):
            __import__('signal').signal(number, __import__('signal').SIG_IGN)
        time.sleep(60)
    os._exit(0)
os.wait()
print('left')
