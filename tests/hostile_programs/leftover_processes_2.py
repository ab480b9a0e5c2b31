# Looks for what the program before left.
# verdict: passed
# task: stdin
# needs: proc
import os
others = [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in (1, os.getpid())]
if others:
    print('BREACH', others)
