# Exits with a status.
# verdict: error
# task: stdin
# stdout: 'half\n'
import sys
print('half')
sys.exit(3)
