# Keeps printing whatever happens.
# verdict: output
# task: stdin
import time
end = time.time() + 60
while time.time() < end:
    try:
        print('x' * 10000)
    except BaseException:
        pass
