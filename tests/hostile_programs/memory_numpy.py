# Creates an array of two gigabytes.
# verdict: memory
# imports: numpy
# needs: numpy
# limits: memory=268435456 seconds=5
import numpy
x = numpy.ones(1 << 28)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
