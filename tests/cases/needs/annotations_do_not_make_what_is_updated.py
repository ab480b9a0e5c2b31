class Counter:
    count: int

    def start(self):
        self.count = 0

    def add(self):
        self.count += 1

    def show(self):
        print(self.count)
# 1: 2 3 4 5 6 7 8 9 10 11
# 4: 3 5 6 7 8
# 5: 3 4 6 7 8
# 7: 6 8
# 8: 6 7
# 10: 9 11
# 11: 9 10
