# Controls devices.
# verdict: passed
# task: stdin
import fcntl, os, struct
for path in ('/dev/tty', '/dev/ptmx', '/dev/console', '/dev/kvm', '/dev/fuse', '/dev/net/tun', '/dev/vda', '/dev/mem'):
    try:
        fcntl.ioctl(os.open(path, os.O_RDWR), 0x5413, bytes(8))
        print('BREACH', path)
    except OSError:
        pass
