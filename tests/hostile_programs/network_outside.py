# Connects to an address outside.
# verdict: passed
# task: stdin
import socket
try:
    socket.create_connection(('192.0.2.1', 80), timeout=2)
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
