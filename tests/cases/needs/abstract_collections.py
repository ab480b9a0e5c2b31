from collections.abc import MutableMapping, Sequence


class Levels(Sequence):
    def __init__(self, levels):
        self.levels = levels

    def __getitem__(self, index):
        return self.levels[index]

    def __len__(self):
        return len(self.levels)


class Attributes(MutableMapping[str, int]):
    def __getitem__(self, key):
        return key

    def __setitem__(self, key, value):
        print(key, value)

    def __delitem__(self, key):
        print(key)

    def __iter__(self):
        return iter([])

    def __len__(self):
        return 0


print(Levels([]))
print(Attributes())
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33
# 4: 2 3 5 6 7 8 9 10 11 12 30 31 32
# 5: 2 3 4 6 7 8 9 10 11 12 30 31 32
# 6: 2 3 4 5 7 8 9 10 11 12 30 31 32
# 8: 7 9 30 31 32
# 9: 7 8 30 31 32
# 11: 10 12 30 31 32
# 12: 10 11 30 31 32
# 15: 13 14 16 17 18 19 20 21 22 23 24 25 26 27 28 29 33
# 16: 17 33
# 17: 16 33
# 19: 18 20 33
# 20: 18 19 33
# 22: 21 23 33
# 23: 21 22 33
# 25: 24 26 33
# 26: 24 25 33
# 28: 27 29 33
# 29: 27 28 33
# 32: 30 31
