# Pickles an object of its own class.
# verdict: passed
# task: stdin
# stdout: '3\n'
import pickle
class Point:
    def __init__(self, x):
        self.x = x
print(pickle.loads(pickle.dumps(Point(3))).x)
