# Writes results of calls to every descriptor and exits.
# verdict: error
# task: calls
# calls: add [(2, 3), (1, 4)]
import os
for descriptor in range(3, 1024):
    try:
        os.write(descriptor, b'{"returned": "[5,[]]"}\n' * 2)
    except OSError:
        pass
os._exit(0)


def add(a, b):
    return 0
