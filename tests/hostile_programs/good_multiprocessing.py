# Uses processes.
# verdict: passed
# task: stdin
# stdout: '2470\n'
import multiprocessing
def square(n):
    return n * n
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(square, range(20))))
