# Leaves shared memory and semaphores.
# verdict: passed
# task: stdin
import ctypes
from multiprocessing import shared_memory
block = shared_memory.SharedMemory('left', create=True, size=1000)
block.buf[0] = 7
try:
    from multiprocessing import resource_tracker
    resource_tracker.unregister(block._name, 'shared_memory')
except Exception:
    pass
libc = ctypes.CDLL(None)
libc.shmget(4711, 4096, 0o1666)
libc.semget(4711, 1, 0o1666)
libc.msgget(4711, 0o1666)
libc.sem_open(b'/left', 64, 0o600, 1)
libc.mq_open(b'/left', 64 | 2, 0o600, None)
