# Looks for what the program before left.
# verdict: passed
# confined: there is no loopback
# task: stdin
import socket
for port in (47813, 47814):
    socket.socket().bind(('127.0.0.1', port))
