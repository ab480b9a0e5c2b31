class Process:
    def __init__(self):
        self.forwards = None
        self.name = "process"

    def first(self):
        return self.forwards[0]

    def copy(self):
        other = Process.__new__(Process)
        other.name = self.name
        return other


class Cache:
    def __init__(self):
        self.items: list | None
        self.items = None

    def all(self):
        if not self.items:
            self.items = []
        return self.items


class Trace:
    info: dict

    def convert(self):
        if self.info:
            self.info = dict(self.info)


process = Process()
process.forwards = ["a"]
print(process.first(), process.copy(), Cache().all())
Trace().convert()
# 1: 2 3 4 5 6 7 8 9 10 11 12 32 33 34 35 36
# 2: 3 4 11
# 4: 11
# 6: 5 7 36
# 7: 5 6 36
# 9: 8 10 11 12 36
# 10: 8 9 11 12 36
# 15: 13 14 16 17 18 19 20 21 22 23 36
# 16: 13 14 15 17 18 19 20 21 22 23 36
# 18: 19 20 21 22 23 36
# 20: 19 21 22 23 36
# 21: 22
# 22: 21
# 26: 24 25 27 28 29 30 31 37
# 27: 24 25 26 28 29 30 31 37
# 29: 28 30 31 37
# 30: 28 29 31 37
# 31: 28 29 30 37
# 34: 5 6 7 32 33 35 36
# 35: 5 6 7 36
