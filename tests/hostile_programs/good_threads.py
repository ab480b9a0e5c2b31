# Uses threads.
# verdict: passed
# task: stdin
# stdout: '328350\n'
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda n: n * n, range(100))))
