# Sends a datagram outside.
# verdict: passed
# task: stdin
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    s.sendto(b'x', ('192.0.2.1', 53))
    print('BREACH')
except OSError:
    pass
