import functools

from framework import command


@functools.lru_cache
def pair():
    print("computing")
    return 1, 2


class App:
    _names = None

    @property
    def names(self):
        if self._names is None:
            self._names = ["a"]
        return self._names

    @command(1)
    def run(self):
        print("running")
        return self.names[0]


first, second = pair()
unused = pair()
for char in App().run():
    print(char, first, second)
# 1: 4 5 6 7 8 9 25 26 27 28 29 30
# 3: 2 20 21 22 23 24 29 30
# 6: 4 5 7 8 9 25 26 27 28 29 30
# 9: 25 26 27 29 30
# 12: 10 11 13 14 15 16 17 18 19 20 21 22 23 24 29 30
# 13: 14 15 16 17 18 19 24 29 30
# 15: 14 16 17 18 19 24 29 30
# 17: 18 24 29 30
# 18: 17 24 29 30
# 19: 24 29 30
# 21: 20 22 23 24 29 30
# 24: 29 30
# 27: 25 26 29 30
# 29: 30
# 30: 29
