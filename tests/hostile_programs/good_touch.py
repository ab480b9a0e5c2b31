# Creates files by touching them, in Python and in a shell, and copies them with their times.
# verdict: passed
# task: stdin
# stdout: "['a', 'b', 'c', 'd', 'e'] True\n"
import os, pathlib, shutil, subprocess, time
folder = pathlib.Path('new')
folder.mkdir()
(folder / 'a').touch()
(folder / 'a').touch()
subprocess.run(['touch', 'new/b'], check=True)
subprocess.run(['touch', 'new/b', 'new/c'], check=True)
shutil.copy2(folder / 'a', folder / 'd')
shutil.copy(folder / 'a', folder / 'e')
os.utime(folder / 'd', (1, 1))
print(sorted(os.listdir(folder)), os.path.getmtime(folder / 'a') > time.time() - 60)
