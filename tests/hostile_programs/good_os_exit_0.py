# Ends its process when it is done.
# verdict: passed
# task: stdin
# stdout: 'done\n'
import os
print('done', flush=True)
os._exit(0)
