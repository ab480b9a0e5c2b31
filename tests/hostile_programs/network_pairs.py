# Talks through a pair of sockets.
# verdict: passed
# task: stdin
# stdout: "b'x'\n"
import socket
a, b = socket.socketpair()
a.sendall(b'x')
print(b.recv(1))
