class A:
    def hello(self):
        return 1


class B(A):
    def bye(self):
        return self.hello()
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 3: 1 2 4 5 6 7 8
# 6: 4 5 7 8
# 7: 4 5 6 8
# 8: 4 5 6 7
