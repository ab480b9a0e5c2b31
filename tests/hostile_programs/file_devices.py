# Creates and opens devices.
# verdict: passed
# task: stdin
import os, stat
try:
    os.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(254, 0))
    print('BREACH: made a device')
except OSError:
    pass
try:
    names = os.listdir('/dev')
except OSError:
    names = []
found = set(names) - {'null', 'zero', 'full', 'random', 'urandom', 'fd', 'stdin', 'stdout', 'stderr', 'shm'}
if found:
    print('BREACH', found)
