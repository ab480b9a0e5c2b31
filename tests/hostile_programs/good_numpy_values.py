# Returns numbers and arrays of numpy.
# verdict: passed
# task: calls
# calls: f [(7,)]
# returns: [[7, [0, 1, 2], 0.5, True, {1: 'a'}]]
# imports: numpy
# needs: numpy
import numpy as np


def f(x):
    return [np.int64(x), np.arange(3), np.float32(0.5), np.bool_(True), {np.int8(1): np.str_('a')}]
