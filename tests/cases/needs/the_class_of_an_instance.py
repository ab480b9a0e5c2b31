class Reason:
    names = {}

    def __init__(self, name):
        self.own = type(self).names
        self.name = name

    def copy(self):
        return self.__class__(self.name)

    def twin(self):
        return type(self)(
            name=self.name,
        )


print(Reason("a").copy().twin())
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 2: 5
# 4: 3 5 6 7 8 9 10 11 12 13 14 15 16 17
# 6: 7 8 9 10 11 12 13 14 15 16 17
# 8: 7 9 15 16 17
# 9: 7 8 15 16 17
# 11: 10 12 13 14 15 16 17
# 12: 10 11 13 14 15 16 17
# 17: 15 16
