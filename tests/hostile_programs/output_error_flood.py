# Prints endlessly on standard error.
# verdict: timeout
# limits: seconds=1
# task: stdin
import sys, time
end = time.time() + 60
while time.time() < end:
    print('x' * 1000, file=sys.stderr)
