class Cache:
    def fill(self):
        self.value = 1
        self.other = 2

    def show(self):
        if hasattr(self, "value"):
            print(self.value)
        try:
            return self.other
        except AttributeError:
            return self.other if hasattr(self, "other") else self.value


Cache().show()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15
# 2: 3 4 9 10 11 12
# 3: 9 10 11 12
# 6: 5 7 8 9 10 11 12 13 14 15
# 7: 8
# 8: 7
# 9: 10 11 12
# 10: 9 11 12
# 11: 9 10 12
# 12: 9 10 11
# 15: 13 14
