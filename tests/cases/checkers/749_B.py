"""The points may come in any order."""

import sys

_, answer, output = ([line.split() for line in open(path)] for path in sys.argv[1:])
print(int(sorted(output[1:]) == sorted(answer[1:]) and output[0] == answer[0]))
