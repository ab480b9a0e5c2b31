# Uses processes of concurrent.futures, and shared memory.
# verdict: passed
# task: stdin
# stdout: "[0, 1, 4]\n7 1\n"
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Process, shared_memory
def square(n):
    return n * n
with ProcessPoolExecutor(2) as executor:
    print(list(executor.map(square, range(3))))
block = shared_memory.SharedMemory('block', create=True, size=100)
def fill():
    same = shared_memory.SharedMemory('block')
    same.buf[0] = 7
process = Process(target=fill)
process.start()
process.join()
items = shared_memory.ShareableList([1, 'a'])
print(block.buf[0], items[0])
for memory in (block, items.shm):
    memory.close()
    memory.unlink()
