# Looks for processes that are not its own.
# verdict: passed
# task: stdin
import os
try:
    names = os.listdir('/proc')
except OSError:
    names = []
others = [name for name in names if name.isdigit() and int(name) != os.getpid()]
if others:
    print('BREACH', others)
