# Asks whether it may use its own files and folders.
# verdict: passed
# task: stdin
import os, shutil
open('mine', 'w').close()
os.mkdir('folder')
assert os.access('mine', os.R_OK | os.W_OK)
assert os.access('folder', os.R_OK | os.W_OK | os.X_OK)
assert os.access(os.getcwd(), os.R_OK | os.W_OK | os.X_OK)
assert not os.access('missing', os.F_OK)
assert shutil.which('sh')
