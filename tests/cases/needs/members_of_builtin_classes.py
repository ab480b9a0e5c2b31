class Table(dict):
    def __setitem__(self, key, value):
        print(key)
        super().__setitem__(key, value)

    def update(self, other):
        for key in other:
            self[key] = other[key]

    def load(self, other):
        self.update(other)
        self.refresh()

    def refresh(self):
        print("refreshed")


Table().load({})
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18
# 2: 3 4
# 6: 5 7 8 11
# 7: 5 6 8 11
# 8: 5 6 7 11
# 10: 9 11 12 16 17 18
# 14: 12 13 15
# 15: 12 13 14
# 18: 16 17
