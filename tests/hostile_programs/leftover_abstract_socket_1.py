# Leaves an abstract socket.
# verdict: passed
# confined: sockets have no names
# task: stdin
import socket, subprocess, os
s = socket.socket(socket.AF_UNIX)
s.bind('\0left')
s.listen()
os.set_inheritable(s.fileno(), True)
subprocess.Popen(['sleep', '60'], close_fds=False)
