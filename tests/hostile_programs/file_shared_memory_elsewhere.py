# Names shared memory by paths outside its folder.
# verdict: passed
# task: stdin
import os
from multiprocessing import shared_memory
for name in ('../../etc/passwd', '/../../../../etc/passwd', '../x', 'a/b', '..', '.'):
    try:
        block = shared_memory.SharedMemory(name)
        print('BREACH', name)
    except OSError:
        pass
    try:
        shared_memory._posixshmem.shm_unlink(name)
        print('BREACH', name)
    except OSError:
        pass
