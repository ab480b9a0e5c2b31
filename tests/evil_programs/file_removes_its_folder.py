# Removes its own folder while it stands in it.
# verdict: passed
# task: stdin
# stdout: 'False\n'
import os, shutil
shutil.rmtree('/tmp/work')
print(os.path.exists('/tmp/work'))
