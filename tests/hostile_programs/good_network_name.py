# Resolves localhost.
# verdict: passed
# task: stdin
# stdout: '127.0.0.1\n'
import socket
print(socket.gethostbyname('localhost'))
