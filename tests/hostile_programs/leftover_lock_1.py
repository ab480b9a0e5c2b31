# Leaves a lock on a file that everyone can read.
# verdict: passed
# task: stdin
import fcntl, os, subprocess
file = open(os.__file__)
fcntl.flock(file, fcntl.LOCK_EX)
os.set_inheritable(file.fileno(), True)
subprocess.Popen(['sleep', '60'], close_fds=False)
