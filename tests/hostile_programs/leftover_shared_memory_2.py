# Looks for what the program before left.
# verdict: passed
# task: stdin
import ctypes, os
from multiprocessing import shared_memory
try:
    shared_memory.SharedMemory('left')
    print('BREACH')
except FileNotFoundError:
    pass
libc = ctypes.CDLL(None)
if libc.shmget(4711, 4096, 0) >= 0 or libc.semget(4711, 1, 0) >= 0 or libc.msgget(4711, 0) >= 0:
    print('BREACH')
if libc.mq_open(b'/left', 2) >= 0 or os.path.exists('/dev/shm/left'):
    print('BREACH')
