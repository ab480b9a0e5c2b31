# Shares memory between its processes.
# verdict: passed
# task: stdin
# stdout: '499500\n'
import multiprocessing
def fill(array):
    for n in range(len(array)):
        array[n] = n
array = multiprocessing.Array('i', 1000)
process = multiprocessing.Process(target=fill, args=(array,))
process.start()
process.join()
print(sum(array))
