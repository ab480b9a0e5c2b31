# Uses processes.
# verdict: passed
# confined: there is no /dev/shm
# task: stdin
# stdout: '2470\n2470\n'
import multiprocessing
def square(n):
    return n * n
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(square, range(20))))
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        print(sum(pool.map(square, range(20))))
