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


process = Process()
process.forwards = ["a"]
print(process.first(), process.copy(), Cache().all())
# 1: 2 3 4 5 6 7 8 9 10 11 12 24 25 26 27 28
# 2: 3 4 11
# 4: 11
# 6: 5 7 28
# 7: 5 6 28
# 9: 8 10 11 12 28
# 10: 8 9 11 12 28
# 15: 13 14 16 17 18 19 20 21 22 23 28
# 16: 13 14 15 17 18 19 20 21 22 23 28
# 18: 19 20 21 22 23 28
# 20: 19 21 22 23 28
# 21: 22
# 22: 21
# 26: 5 6 7 24 25 27 28
# 27: 5 6 7 28
