# Leaves a child that holds the output open.
# verdict: passed
# task: stdin
# stdout: 'done\n'
import subprocess
subprocess.Popen(['sleep', '60'])
print('done')
