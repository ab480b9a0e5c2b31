class A:
    def __init__(self):
        self._x = 1

    @property
    def x(self):
        return self._x

    @x.setter
    def x(self, value):
        self._x = value


a = A()
a.x = 2
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15
# 2: 3
# 3: 2
# 5: 4 6 7 8 9 10 11 15
# 7: 4 5 6 8 9 10 11 15
# 9: 8 10 11 15
# 11: 8 9 10 15
# 14: 12 13 15
