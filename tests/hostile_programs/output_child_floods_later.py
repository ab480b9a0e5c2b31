# Leaves a child that prints endlessly.
# verdict: passed|output
# task: stdin
import subprocess, time
subprocess.Popen(['timeout', '60', 'yes'])
print('done', flush=True)
time.sleep(0.1)
