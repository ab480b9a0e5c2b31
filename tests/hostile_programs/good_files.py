# Writes and reads files.
# verdict: passed
# task: stdin
# stdout: "1000 ['b']\n"
import os, tempfile, shutil
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'a')
    open(path, 'w').write('x' * 1000)
    shutil.copy(path, 'b')
print(os.path.getsize('b'), os.listdir('.'))
