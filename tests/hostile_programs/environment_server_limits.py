# Changes the limits and priorities of its parent.
# verdict: passed
# task: stdin
import ctypes, os, resource
for pid in (1, os.getppid()):
    for act in (lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)),
                lambda: os.sched_setaffinity(pid, {0}),
                lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
                lambda: os.setpriority(os.PRIO_USER, 0, 19),
                lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))):
        try:
            act()
            print('BREACH', pid)
        except OSError:
            pass
