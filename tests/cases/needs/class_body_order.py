class A:
    size = 3
    table = [0] * size

    def get(self):
        return self.table
# 1: 2 3 4 5 6
# 2: 1 3 4 5 6
# 3: 4 5 6
# 5: 4 6
# 6: 4 5
