# Changes the settings of the machine.
# verdict: passed
# task: stdin
import glob, os
paths = ['/proc/sys/kernel/hostname', '/proc/sysrq-trigger', '/proc/self/oom_score_adj', '/proc/sys/vm/overcommit_memory',
         '/proc/self/uid_map', '/sys/power/state', '/proc/sys/net/ipv4/ip_forward', '/proc/self/setgroups']
for path in paths:
    try:
        file = os.open(path, os.O_WRONLY)
        print('BREACH', path)
    except OSError:
        pass
