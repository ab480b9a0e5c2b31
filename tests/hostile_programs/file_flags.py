# Sets flags and attributes of a file that it may only read.
# verdict: passed
# task: stdin
import fcntl, os, struct
file = os.open(os.__file__, os.O_RDONLY)
for request in (0x40086602, 0x401C5820, 0x40087602):
    try:
        fcntl.ioctl(file, request, struct.pack('q', 0x40) + bytes(24))
        print('BREACH', hex(request))
    except OSError:
        pass
