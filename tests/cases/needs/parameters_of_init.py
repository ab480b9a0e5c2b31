class A:
    def __init__(
        self,
        name,
        size=0,
    ):
        self.name = name
        self.size = size


class B(A):
    def __init__(self, name):
        super().__init__(name, size=1)


print(A("a").name, B("b").size)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16
# 4: 7 9 10 11 12 13 14 15 16
# 5: 8 9 10 11 12 13 14 15 16
# 7: 14 15 16
# 8: 14 15 16
# 11: 9 10 12 13 14 15 16
# 12: 9 10 11 13 14 15 16
# 13: 9 10 11 12 14 15 16
# 16: 14 15
