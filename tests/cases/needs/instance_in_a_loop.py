class A:
    def go(self):
        print("a")


class B:
    def go(self):
        print("b")


for one in [A(), B()]:
    one.go()
# 1: 2 3 9 10 11 12
# 2: 1 3 9 10 11 12
# 3: 1 2 9 10 11 12
# 6: 4 5 7 8 9 10 11 12
# 7: 4 5 6 8 9 10 11 12
# 8: 4 5 6 7 9 10 11 12
# 11: 9 10 12
# 12: 9 10 11
