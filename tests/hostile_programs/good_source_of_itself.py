# Reads its own source.
# verdict: passed
# task: stdin
# stdout: 'def True\n'
import inspect
def f():
    return 1
print(inspect.getsource(f).split()[0], open(__file__).read().count('inspect') > 1)
