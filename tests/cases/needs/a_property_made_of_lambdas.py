class Box:
    size = property(lambda self: self._size, lambda self, size: self.resize(size))

    def __init__(self):
        self._size = 1

    def resize(self, size):
        self._size = size


print(Box().size)
# 1: 2 3 4 5 6 7 8 9 10 11
# 2: 9 10 11
# 4: 3 5
# 5: 3 4
# 7: 2 6 8 9 10 11
# 8: 2 6 7 9 10 11
# 11: 9 10
