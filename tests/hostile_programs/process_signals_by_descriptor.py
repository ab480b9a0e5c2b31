# Has the kernel send signals to its parent when something can be read.
# verdict: passed
# task: stdin
import fcntl, os, signal, struct, time
source, target = os.pipe()
for owner in (os.getppid(), -os.getpgid(0)):
    try:
        fcntl.fcntl(source, 10, signal.SIGKILL if owner > 0 else signal.SIGURG)
        fcntl.fcntl(source, fcntl.F_SETOWN, owner)
        fcntl.ioctl(source, 0x8901, struct.pack('i', owner))
    except OSError:
        pass
    fcntl.fcntl(source, fcntl.F_SETFL, fcntl.fcntl(source, fcntl.F_GETFL) | os.O_ASYNC)
    os.write(target, b'x')
    time.sleep(0.1)
