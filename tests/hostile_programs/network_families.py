# Opens unusual kinds of sockets.
# verdict: passed
# task: stdin
import socket
for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW), (16, socket.SOCK_RAW),
                     (38, socket.SOCK_SEQPACKET), (40, socket.SOCK_STREAM), (31, socket.SOCK_RAW), (15, socket.SOCK_RAW)):
    try:
        socket.socket(family, kind)
        print('BREACH', family)
    except OSError:
        pass
