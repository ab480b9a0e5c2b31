class Root:
    def __init__(self, name):
        print(name)


class Middle(Root):
    def __init__(self):
        super().__init__("middle")
        print("middle")


class Leaf(Middle):
    def __init__(self, name):
        super().__init__()
        print(name)

    def show(self):
        print(self)


Leaf("leaf").show()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
# 6: 4 5 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
# 7: 4 5 6 8 9 10 11 12 13 14 15 16 17 18 19 20 21
# 8: 4 5 6 7 9 10 11 12 13 14 15 16 17 18 19 20 21
# 12: 10 11 13 14 15 16 17 18 19 20 21
# 13: 14 15 19 20 21
# 14: 13 15 19 20 21
# 17: 16 18 19 20 21
# 18: 16 17 19 20 21
# 21: 19 20
