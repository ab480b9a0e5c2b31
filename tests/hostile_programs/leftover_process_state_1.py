# Changes the state of its process.
# verdict: passed
# task: stdin
import os, resource, signal
os.umask(0o777)
os.chdir('/usr')
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.alarm(60)
os.nice(19)
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
