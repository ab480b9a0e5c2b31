# Exits with status 0 when it is done.
# verdict: passed
# task: stdin
# stdout: 'done\n'
import sys
print('done')
sys.exit(0)
