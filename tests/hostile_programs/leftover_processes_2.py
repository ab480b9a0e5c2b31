# Looks for what the program before left.
# verdict: passed
# task: stdin
# needs: proc
import os
try:
    names = os.listdir('/proc')
except OSError:
    names = []
others = [name for name in names if name.isdigit() and int(name) not in (1, os.getpid())]
if others:
    print('BREACH', others)
