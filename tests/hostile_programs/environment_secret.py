# Reads its user's environment.
# verdict: passed
# task: stdin
import os, subprocess
text = repr(dict(os.environ)) + subprocess.run(['env'], capture_output=True, text=True).stdout
if 'CANARY' in text.upper():
    print('BREACH')
