# Removes its own working directory.
# verdict: passed
# task: stdin
# stdout: 'False\n'
import os, shutil
shutil.rmtree('/tmp/work')
print(os.path.exists('/tmp/work'))
