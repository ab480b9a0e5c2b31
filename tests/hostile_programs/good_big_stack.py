# Recurses deeply in a thread with a 256 MB stack.
# verdict: passed
# task: stdin
# stdout: '100000\n'
import sys, threading
sys.setrecursionlimit(200_000)
threading.stack_size(256 << 20)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
thread = threading.Thread(target=lambda: print(depth(100_000)))
thread.start()
thread.join()
