# Changes mode, owner, times and attributes of a file of its user.
# verdict: passed
# task: stdin
import os
path = '/tmp/lintseq-canary/file'
for act in (
    lambda: os.chmod(path, 0o777),
    lambda: os.chown(path, os.getuid(), os.getgid()),
    lambda: os.utime(path, (1, 1)),
    lambda: os.setxattr(path, 'user.canary', b'x'),
    lambda: os.chmod('/tmp/lintseq-canary', 0o777),
    lambda: os.fchmod(os.open('/tmp/lintseq-canary', os.O_PATH), 0o777),
):
    try:
        act()
    except OSError:
        pass
try:
    found = os.stat(path)
    if found.st_mode & 0o777 == 0o777 or found.st_mtime == 1:
        print('BREACH')
except OSError:
    pass
