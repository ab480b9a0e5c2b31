# Closes its outputs.
# verdict: passed
# task: stdin
# stdout: 'before\n'
import os
print('before', flush=True)
os.close(1)
os.close(2)
