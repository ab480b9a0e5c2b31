class Plain:
    def __str__(self):
        return "plain"

    def __init__(self):
        super().__init__()
        print(self.__str__())


class Sub(Plain):
    def describe(self):
        print("describing")

    def __init__(self):
        super(Plain, self).__init__()
        super(Plain, self).describe()
        super(Sub, self).other()


Sub()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
# 2: 3
# 3: 2
# 5: 4 6 7
# 10: 8 9 11 12 13 14 15 16 17 18 19 20
# 11: 12
# 12: 11
# 14: 13 15 16 17
# 15: 13 14 16 17
# 20: 18 19
