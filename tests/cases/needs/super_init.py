class A:
    def __init__(self, name):
        self.name = name


class B(A):
    def __init__(self, name):
        super().__init__(name)
        self.size = 1
# 1: 2 3 4 5 6 7 8 9
# 2: 1 3 4 5 6 7 8 9
# 3: 1 2 4 5 6 7 8 9
# 6: 4 5 7 8 9
# 7: 4 5 6 8 9
# 8: 4 5 6 7 9
