# Makes locks in a process and its children, which must be different ones.
# verdict: passed
# task: stdin
# stdout: 'True 0 20000\n'
import multiprocessing
first = multiprocessing.Lock()
def work(ready, done):
    lock = multiprocessing.Lock()
    lock.acquire()
    ready.set()
    done.wait()
ready, done = multiprocessing.Event(), multiprocessing.Event()
process = multiprocessing.Process(target=work, args=(ready, done))
process.start()
ready.wait()
mine = multiprocessing.Lock()
free = mine.acquire(timeout=1)
done.set()
process.join()
print(free, process.exitcode, sum(1 for _ in range(20000) if multiprocessing.Lock()))
