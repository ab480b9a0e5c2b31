# Reads five megabytes.
# verdict: passed
# task: stdin
# stdin: '12345 ' * 800_000
# stdout: '9876000000\n'
import sys
print(sum(map(int, sys.stdin.read().split())))
