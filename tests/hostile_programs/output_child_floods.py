# Lets another program print endlessly.
# verdict: output
# task: stdin
import subprocess
subprocess.run(['timeout', '60', 'yes'])
