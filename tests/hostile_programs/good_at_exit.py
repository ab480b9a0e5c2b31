# Prints at exit and in a thread that is not joined.
# verdict: passed
# task: stdin
# stdout: 'first\nthread\nlast\n'
import atexit, threading, time
atexit.register(print, 'last')
threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()
print('first')
