class Index:
    def __init__(self):
        self.encoding = "ascii"

    def show(self):
        print(self.encoding)


index = Index()
index.encoding = "utf-8"
index.show()
# 1: 2 3 4 5 6 7 8 9 10 11
# 2: 3
# 3: 2
# 5: 4 6 11
# 6: 4 5 11
# 9: 7 8 10 11
