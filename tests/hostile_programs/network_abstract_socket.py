# Connects to an abstract socket of its user.
# verdict: passed
# task: stdin
import socket
s = socket.socket(socket.AF_UNIX)
try:
    s.connect('\0lintseq-canary')
    print('BREACH')
except OSError:
    pass
