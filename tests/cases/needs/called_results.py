import os


class Archive:
    def __init__(self, file):
        self.archive = self.find(file)(file)

    @staticmethod
    def find(file):
        cls = None
        base, ext = os.path.splitext(file)
        cls = KINDS.get(ext)
        if not cls:
            raise ValueError(base)
        return cls

    def show(self):
        print(self.archive)


KINDS = {".zip": list}
Archive("a").show()
# 1: 5 6 11 12 13 14 16 17 18 22
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15 16 17 18 22
# 5: 6 16 17 18 22
# 6: 5 16 17 18 22
# 8: 2 3 4 5 6 7 9 10 11 12 13 14 15 16 17 18 22
# 11: 5 6 12 13 14 16 17 18 22
# 12: 5 6 16 17 18 22
# 13: 14
# 14: 13
# 15: 5 6 16 17 18 22
# 17: 16 18 22
# 18: 16 17 22
# 21: 5 6 12 16 17 18 19 20 22
