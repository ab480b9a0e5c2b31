# Imports numpy where it is not preloaded.
# verdict: passed
# task: stdin
# stdout: '100\n'
# needs: numpy
# limits: seconds=20
import numpy as np
print(int(np.ones(100).sum()))
