# Takes an abstract name that others may connect to.
# verdict: passed
# task: stdin
import socket
try:
    s = socket.socket(socket.AF_UNIX)
    s.bind('\0lintseq-canary')
    s.listen()
except OSError:
    pass
