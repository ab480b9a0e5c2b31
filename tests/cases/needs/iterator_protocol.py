class Count:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        return self.n


for i in Count():
    print(i)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14
# 5: 4 6 11 12 13 14
# 6: 4 5 11 12 13 14
# 8: 4 5 6 7 9 10 11 12 13 14
# 13: 11 12 14
# 14: 11 12 13
