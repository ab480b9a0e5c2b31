# Prints endlessly on standard error.
# verdict: output
# task: stdin
import sys, time
end = time.time() + 60
while time.time() < end:
    print('x' * 1000, file=sys.stderr)
