# Prints nearly a megabyte on each stream.
# verdict: passed
# task: stdin
# stdout: ('x' * 999 + '\n') * 1000
import sys
for _ in range(1000):
    sys.stdout.write('x' * 999 + '\n')
    sys.stderr.write('y' * 999 + '\n')
