# Looks for what the program before left.
# verdict: passed
# task: stdin
import os
for path in ('/tmp/left', '/dev/shm/left', 'left', '/var/tmp/left2', '/tmp/work/json.py'):
    if os.path.exists(path):
        print('BREACH', path)
