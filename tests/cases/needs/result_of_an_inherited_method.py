class A:
    def words(self):
        print("words")
        yield "a"


class B(A):
    def words(self):
        inherited = super().words()
        print(inherited)
# 1: 2 3 4 5 6 7 8 9 10
# 2: 1 3 4 5 6 7 8 9 10
# 4: 5 6 7 8 9 10
# 7: 5 6 8 9 10
# 8: 5 6 7 9 10
# 9: 5 6 7 8 10
