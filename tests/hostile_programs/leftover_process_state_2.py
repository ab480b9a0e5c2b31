# Looks for what the program before left.
# verdict: passed
# task: stdin
import os, signal, resource
if os.umask(0o22) == 0o777 or os.path.basename(os.getcwd()) != 'work' or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
    print('BREACH')
if os.getpriority(os.PRIO_PROCESS, 0) == 19 or resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 20:
    print('BREACH')
if signal.alarm(0):
    print('BREACH')
