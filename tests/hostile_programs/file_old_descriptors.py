# Looks for open files of others among its descriptors.
# verdict: passed
# task: stdin
import os
for name in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd') else map(str, range(1024)):
    try:
        target = os.readlink(f'/proc/self/fd/{name}')
    except OSError:
        continue
    if not target.startswith(('pipe:', 'socket:', '/memfd:', '/proc/')) and target not in ('/dev/null',):
        print('BREACH', name, target)
    if target.startswith('socket:') and int(name) < 100:
        print('BREACH', name, target)
