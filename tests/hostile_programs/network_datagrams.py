# Sends datagrams to sockets of its user, whose address no system call filter sees.
# verdict: passed
# task: stdin
import socket
for make in (lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]):
    for address in ('\0lintseq-canary-datagrams', '/tmp/lintseq-canary/datagrams'):
        try:
            s = make()
        except OSError:
            continue
        for send in (lambda: s.sendto(b'x', address), lambda: s.sendmsg([b'x'], (), 0, address)):
            try:
                send()
                print('BREACH', address)
            except OSError:
                pass
