class Element:
    def __init__(self, name):
        print(name)


class Root(Element):
    def __init__(self):
        print("root")

    def show(self):
        print(self)


Root().show()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14
# 6: 4 5 7 8 9 10 11 12 13 14
# 7: 8 12 13 14
# 8: 7 12 13 14
# 10: 9 11 12 13 14
# 11: 9 10 12 13 14
# 14: 12 13
