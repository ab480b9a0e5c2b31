# Uses the same port as the program before.
# verdict: passed
# confined: there is no loopback
# task: stdin
# stdout: 'HELLO\n'
import socket, threading
server = socket.socket(socket.AF_INET)
server.bind(('127.0.0.1', 47812))
server.listen()
def serve():
    connection, _ = server.accept()
    connection.sendall(connection.recv(100).upper())
    connection.close()
threading.Thread(target=serve).start()
client = socket.create_connection(('127.0.0.1', 47812))
client.sendall(b'hello')
print(client.recv(100).decode())
