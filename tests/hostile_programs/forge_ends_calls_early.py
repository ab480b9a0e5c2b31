# Reads the nonce from the channel and claims that all calls were made.
# verdict: error
# task: calls
# calls: add [(2, 3), (1, 4)]
import os
for descriptor in range(3, 1024):
    try:
        os.set_blocking(descriptor, False)
        number = os.read(descriptor, 16)
        os.write(descriptor, number + b'{"verdict": "passed"}\n')
        os._exit(0)
    except OSError:
        pass


def add(a, b):
    return 0
