# Looks for what the program before left.
# verdict: passed
# confined: sockets have no names
# task: stdin
import socket
s = socket.socket(socket.AF_UNIX)
try:
    s.connect('\0left')
    print('BREACH')
except OSError:
    pass
s.close()
s = socket.socket(socket.AF_UNIX)
s.bind('\0left')
