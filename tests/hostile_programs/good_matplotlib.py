# Draws a picture.
# verdict: passed
# task: stdin
# stdout: 'True\n'
# needs: matplotlib
# limits: seconds=30
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.savefig('x.png')
import os
print(os.path.getsize('x.png') > 1000)
