# Changes its network.
# verdict: passed
# task: stdin
import fcntl, socket, struct
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(s, 0x8914, struct.pack('16sh22x', b'lo', 0))
    print('BREACH')
except OSError:
    pass
