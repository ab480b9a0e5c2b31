# Makes system calls by their 32-bit numbers.
# verdict: passed
# task: stdin
# needs: x86_64
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(0x40000000 + 39) > 0:
    print('BREACH: x32')
