# Uses most of its CPU time.
# verdict: passed
# task: stdin
# stdout: 'done\n'
# limits: seconds=1
import time
start = time.process_time()
while time.process_time() - start < 0.3:
    pass
print('done')
