# Asks for real time priority.
# verdict: passed
# task: stdin
import os
for act in (lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)), lambda: os.nice(-10)):
    try:
        act()
        print('BREACH')
    except OSError:
        pass
