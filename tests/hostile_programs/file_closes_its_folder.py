# Removes all permissions from its folders.
# verdict: passed
# task: stdin
import os
os.makedirs('a/b/c')
open('a/b/c/d', 'w').close()
for path in ('a/b/c', 'a/b', 'a', '.', '/dev/shm'):
    try:
        os.chmod(path, 0)
    except PermissionError:
        pass
