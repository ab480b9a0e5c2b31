class Curve:
    @property
    def points(self):
        print("computing")
        return 1, 2, 3

    def reverse(self):
        return list(reversed(self.points))

    def patterns(self, name):
        found = getattr(self, name, None)
        if found is None:
            found = tuple(name)
        for pattern in found:
            print(pattern)


Curve().reverse()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18
# 2: 3 4 5 6 7 8 16 17 18
# 5: 6 7 8 16 17 18
# 7: 6 8 16 17 18
# 8: 6 7 16 17 18
# 10: 9 11 12 13 14 15
# 11: 9 10 12 13 14 15
# 12: 13 14 15
# 13: 12 14 15
# 14: 15
# 15: 14
# 18: 16 17
