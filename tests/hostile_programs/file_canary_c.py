# Removes a file of its user with the C library.
# verdict: passed
# task: stdin
import ctypes, os
libc = ctypes.CDLL(None)
if libc.unlink(b'/tmp/lintseq-canary/file') == 0 or libc.rename(b'/tmp/lintseq-canary', b'/tmp/mine') == 0:
    print('BREACH')
if libc.chmod(b'/tmp/lintseq-canary/file', 0) == 0 and os.stat('/tmp/lintseq-canary/file').st_mode & 0o777 == 0:
    print('BREACH')
