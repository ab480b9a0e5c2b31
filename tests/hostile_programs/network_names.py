# Looks up a name.
# verdict: passed
# task: stdin
import socket
try:
    socket.getaddrinfo('canary.invalid', 80)
    print('BREACH')
except OSError:
    pass
