# Looks at its privileges.
# verdict: passed
# confined: an ordinary user cannot empty the bounding set; where only root can read this Python, programs keep root's id; neither gives privileges
# task: stdin
import os
status = open('/proc/self/status').read() if os.path.exists('/proc/self/status') else ''
for line in status.splitlines():
    name, _, value = line.partition(':')
    if name.startswith('Cap') and int(value, 16):
        print('BREACH', line)
    if name == 'NoNewPrivs' and value.strip() != '1':
        print('BREACH', line)
    if name == 'Seccomp' and value.strip() != '2':
        print('BREACH', line)
if 0 in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) or 0 in os.getgroups():
    print('BREACH: root')
