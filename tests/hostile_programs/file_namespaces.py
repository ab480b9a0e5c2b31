# Creates its own namespaces, in which it would be root.
# verdict: passed
# task: stdin
# needs: x86_64
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x4000000, 0x2000000):
    if os.fork() == 0:
        if libc.unshare(flag) == 0:
            print('BREACH', hex(flag), flush=True)
        os._exit(0)
    os.wait()
    child = libc.syscall(56, flag | 17, 0, 0, 0, 0)
    if child == 0:
        print('BREACH: clone', hex(flag), flush=True)
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
import subprocess
print(subprocess.run('unshare -Ur echo BREACH', shell=True, capture_output=True, text=True).stdout)
