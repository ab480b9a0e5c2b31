# Leaves a stopped process.
# verdict: passed
# task: stdin
import os, signal, time
child = os.fork()
if child == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
time.sleep(0.1)
