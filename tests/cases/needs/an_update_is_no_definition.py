class Counter:
    def __init__(self):
        self.n = 0

    def step(self):
        self.n = self.n + 1
        return self.n


print(Counter().step())
# 1: 2 3 4 5 6 7 8 9 10
# 2: 1 3 4 5 6 7 8 9 10
# 3: 1 2 4 5 6 7 8 9 10
# 5: 4 6 7 8 9 10
# 10: 8 9
