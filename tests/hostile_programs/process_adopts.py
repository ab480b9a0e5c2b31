# Tries to adopt the orphans of others.
# verdict: passed
# task: stdin
import ctypes
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
import subprocess
subprocess.Popen(['sh', '-c', 'sleep 60 & sleep 60 &'])
