class Text(str):
    def __new__(cls, value, encoding="utf-8"):
        self = super().__new__(cls, value)
        self.encoding = encoding
        return self

    def encoded(self):
        return self.encode(self.encoding)


class Sub(Text):
    def size(self):
        return len(self.encoding)


print(Sub("a").size())
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16
# 4: 6 7 8 9 10 11 12 13 14 15 16
# 7: 6 8
# 8: 6 7
# 11: 9 10 12 13 14 15 16
# 12: 9 10 11 13 14 15 16
# 13: 9 10 11 12 14 15 16
# 16: 14 15
