# Truncates a file of its user, also by opening it for reading.
# verdict: passed
# task: stdin
import os
path = '/tmp/lintseq-canary/file'
for act in (lambda: os.truncate(path, 0), lambda: os.open(path, os.O_RDONLY | os.O_TRUNC), lambda: os.open(path, os.O_WRONLY | os.O_TRUNC)):
    try:
        act()
        print('BREACH')
    except OSError:
        pass
