# Uses processes that are not forked.
# verdict: passed
# confined: semaphores have no names
# task: stdin
# stdout: '2470\n'
import multiprocessing
def square(n):
    return n * n
if __name__ == '__main__':
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        print(sum(pool.map(square, range(20))))
