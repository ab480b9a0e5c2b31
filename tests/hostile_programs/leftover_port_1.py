# Leaves a port busy, with a connection that was not closed.
# verdict: passed
# confined: there is no loopback
# task: stdin
import socket, os
server = socket.socket()
server.bind(('127.0.0.1', 47813))
server.listen()
client = socket.create_connection(('127.0.0.1', 47813))
connection, _ = server.accept()
connection.close()
client.recv(1)
client.close()
hold = socket.socket()
hold.bind(('127.0.0.1', 47814))
hold.listen()
other = socket.create_connection(('127.0.0.1', 47814))
other.sendall(b'x' * 1000)
