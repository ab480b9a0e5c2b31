# Traces its own child, which would hold it.
# verdict: passed
# task: stdin
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    if libc.ptrace(0, 0, 0, 0) == 0:
        print('BREACH', flush=True)
    os._exit(0)
os.wait()
