# Creates a file that looks like a terabyte.
# verdict: error
# task: stdin
import os
with open('sparse', 'wb') as file:
    os.ftruncate(file.fileno(), 1 << 40)
print('BREACH')
