# Opens files by their number in the file system.
# verdict: passed
# task: stdin
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(304, -100, bytes(64), 0) >= 0:
    print('BREACH')
