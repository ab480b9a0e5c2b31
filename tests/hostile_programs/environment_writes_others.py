# Changes other processes through /proc.
# verdict: passed
# task: stdin
import os
for pid in {1, os.getppid()} - {0}:
    for name in ('oom_score_adj', 'comm', 'mem', 'clear_refs', 'coredump_filter'):
        try:
            open(f'/proc/{pid}/{name}', 'r+b').close()
            print('BREACH', pid, name)
        except OSError:
            pass
