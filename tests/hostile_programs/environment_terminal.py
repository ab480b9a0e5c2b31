# Types into its user's terminal.
# verdict: passed
# task: stdin
import fcntl, os
for descriptor in (0, 1, 2):
    try:
        fcntl.ioctl(descriptor, 0x5412, b'x')
        print('BREACH')
    except OSError:
        pass
try:
    os.open('/dev/tty', os.O_RDWR)
    print('BREACH')
except OSError:
    pass
