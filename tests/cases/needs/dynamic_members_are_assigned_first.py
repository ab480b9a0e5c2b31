class Url:
    def __init__(self, text):
        self.text = text
        self.parsed = None

    def __getattr__(self, name):
        if self.parsed is None:
            self.parsed = self.text.split("/")
        return self.parsed[0] + name


print(Url("a/b").host)
# 1: 2 3 4 5 6 7 8 9 10 11 12
# 2: 1 3 4 5 6 7 8 9 10 11 12
# 4: 5 6 7 8 9 10 11 12
# 6: 5 7 8 9 10 11 12
# 7: 5 6 8 9 10 11 12
# 8: 5 6 7 9 10 11 12
# 12: 10 11
