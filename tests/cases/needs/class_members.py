class A:
    def __init__(self):
        self.x = 1

    def get(self):
        return self.x


a = A()
print(a.get())
# 1: 2 3 4 5 6 7 8 9 10
# 2: 1 3 4 5 6 7 8 9 10
# 3: 1 2 4 5 6 7 8 9 10
# 5: 4 6 10
# 6: 4 5 10
# 9: 7 8 10
