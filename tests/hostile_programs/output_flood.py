# Prints endlessly.
# verdict: output
# task: stdin
import time
end = time.time() + 60
while time.time() < end:
    print('x' * 1000)
