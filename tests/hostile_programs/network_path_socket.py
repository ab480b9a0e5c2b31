# Connects to a socket in a folder.
# verdict: passed
# task: stdin
import socket
s = socket.socket(socket.AF_UNIX)
try:
    s.connect('/tmp/lintseq-canary/socket')
    print('BREACH')
except OSError:
    pass
