import os.path


class Path:
    def join(self, *parts):
        return parts

    def split(self, sep=None):
        return sep


print(", ".join(
    str(x) for x in [1, 2]
))
print(os.path.split(
    "a/b",
))
print(Path().split(
    sep="/",
))
# 1: 15 16 17
# 4: 2 3 5 6 7 8 9 18 19 20
# 5: 6
# 6: 5
# 8: 7 9 18 19 20
# 9: 7 8 18 19 20
# 12: 10 11 13 14
# 15: 16 17
# 18: 19 20
