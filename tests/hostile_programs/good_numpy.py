# Uses numpy.
# verdict: passed
# task: stdin
# stdout: '499500 1.0\n'
# imports: numpy
# needs: numpy
import numpy as np
print(int(np.arange(1000).reshape(10, 100).sum()), np.linalg.det(np.eye(3)))
