# Uses pairs and sockets in its folder.
# verdict: passed
# confined: sockets have no names
# task: stdin
# stdout: "b'x'\n"
import socket
a, b = socket.socketpair()
a.sendall(b'x')
s = socket.socket(socket.AF_UNIX)
s.bind('mine')
print(b.recv(1))
