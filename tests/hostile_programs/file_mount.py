# Mounts something over its root.
# verdict: passed
# task: stdin
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b'tmpfs', b'/tmp/work', b'tmpfs', 0, None) == 0 or libc.umount2(b'/tmp', 2) == 0:
    print('BREACH')
if libc.mount(None, b'/', None, 32 | 4096, None) == 0:
    print('BREACH: the root is writable')
if libc.chroot(b'/tmp/work') == 0:
    print('BREACH: chroot')
for number in (155, 428, 429, 430, 442):
    if libc.syscall(number, b'.', b'.', 0, 0, 0) >= 0:
        print('BREACH', number)
