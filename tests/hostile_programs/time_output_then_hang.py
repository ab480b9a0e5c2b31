# Prints and hangs; what it printed is kept.
# verdict: timeout
# task: stdin
# limits: seconds=0.6
# stdout: 'so far\n'
import time
print('so far', flush=True)
time.sleep(60)
