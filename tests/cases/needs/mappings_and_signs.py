class Settings:
    def keys(self):
        return ["a"]

    def __getitem__(self, key):
        return key


class Number:
    def __pos__(self):
        return self

    def __invert__(self):
        return self


def settings():
    found = {}
    return found


print(dict(**settings()), dict(**Settings()))
number = Number()
print(+number)
print(~number)
# 1: 2 3 4 5 6 20 21 22
# 2: 3 20 21 22
# 3: 2 20 21 22
# 5: 4 6 20 21 22
# 6: 4 5 20 21 22
# 9: 7 8 10 11 12 13 14 23 24 25
# 10: 11 24
# 11: 10 24
# 13: 12 14 25
# 14: 12 13 25
# 17: 15 16 18 19 20 21 22
# 18: 15 16 17 19 20 21 22
# 19: 20 21 22
# 22: 20 21
# 23: 24 25
