# Looks for processes that are not its own.
# verdict: passed
# task: stdin
import os
others = [name for name in os.listdir('/proc') if name.isdigit() and int(name) != os.getpid()]
if others:
    print('BREACH', others)
