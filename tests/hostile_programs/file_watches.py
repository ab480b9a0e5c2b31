# Watches the files of its user.
# verdict: passed
# task: stdin
import ctypes
libc = ctypes.CDLL(None)
watcher = libc.inotify_init()
if watcher >= 0 and libc.inotify_add_watch(watcher, b'/tmp/lintseq-canary', 0xFFF) >= 0:
    print('BREACH')
