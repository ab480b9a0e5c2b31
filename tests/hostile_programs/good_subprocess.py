# Starts other programs.
# verdict: passed
# task: stdin
# stdout: 'hi\n[1]\n'
import subprocess, sys
print(subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout.strip())
print(subprocess.run([sys.executable, '-c', 'import json; print(json.dumps([1]))'], capture_output=True, text=True).stdout.strip())
