# Gives its parent a child, which stays.
# verdict: passed
# task: stdin
# needs: x86_64
import ctypes, os, time
CLONE_PARENT = 0x8000
if ctypes.CDLL(None).syscall(56, CLONE_PARENT | 9, 0, 0, 0, 0) == 0:
    os.setsid()
    time.sleep(60)
    os._exit(0)
