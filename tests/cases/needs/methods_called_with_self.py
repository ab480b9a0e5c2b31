class A:
    def one(self):
        return self.two(1)

    def two(self, x):
        return x
# 1: 2 3 4 5 6
# 2: 3
# 3: 2
# 5: 1 2 3 4 6
# 6: 1 2 3 4 5
