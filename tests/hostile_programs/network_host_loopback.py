# Connects to a server on its user's loopback.
# verdict: passed
# task: stdin
import socket
for host in ('127.0.0.1', '::1'):
    try:
        socket.create_connection((host, 47811), timeout=1)
        print('BREACH')
    except OSError:
        pass
