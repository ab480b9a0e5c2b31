# Reads what /proc tells about other processes.
# verdict: passed
# task: stdin
import os
for pid in range(1, os.getpid() + 50):
    if pid == os.getpid():
        continue
    for name in ('environ', 'maps', 'mem', 'fd', 'cwd', 'root/etc', 'task', 'cmdline', 'status', 'net/tcp'):
        path = f'/proc/{pid}/{name}'
        try:
            found = os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(1)
            if os.path.exists(path) and pid != 1:
                print('BREACH', path, found)
        except OSError:
            pass
