# Removes its own working directory.
# verdict: passed
# task: stdin
# stdout: 'False\n'
import os, shutil
folder = os.getcwd()
assert os.path.basename(folder) == 'work'
shutil.rmtree(folder)
print(os.path.exists(folder))
