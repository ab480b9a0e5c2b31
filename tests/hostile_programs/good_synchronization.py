# Uses everything that synchronizes processes.
# verdict: passed
# task: stdin
# stdout: "[0, 1, 2]\n300 0 False\nsemaphore or lock released too many times\n"
import multiprocessing
queue, tasks, total = multiprocessing.Queue(), multiprocessing.JoinableQueue(), multiprocessing.Value('i', 0)
event, barrier, condition = multiprocessing.Event(), multiprocessing.Barrier(3), multiprocessing.Condition()
def work(number):
    event.wait()
    barrier.wait()
    for _ in range(100):
        with total.get_lock():
            total.value += 1
    with condition:
        condition.notify_all()
    queue.put(tasks.get())
    tasks.task_done()
processes = [multiprocessing.Process(target=work, args=(number,)) for number in range(3)]
for number, process in enumerate(processes):
    process.start()
    tasks.put(number)
with condition:
    event.set()
    condition.wait()
tasks.join()
print(sorted(queue.get() for _ in processes))
for process in processes:
    process.join()
lock = multiprocessing.Lock()
lock.acquire()
print(total.value, sum(process.exitcode for process in processes), lock.acquire(timeout=0.01))
bounded = multiprocessing.BoundedSemaphore(1)
try:
    bounded.release()
except ValueError as error:
    print(error)
