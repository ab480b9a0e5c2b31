# Lets another program print without an end.
# verdict: output
# task: stdin
import subprocess
subprocess.run(['timeout', '60', 'yes'])
