class P:
    def __init__(self, x):
        self.x = x


p = P(1)
# 1: 2 3 4 5 6
# 2: 1 3 4 5 6
# 3: 1 2 4 5 6
# 6: 4 5
