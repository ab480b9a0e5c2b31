class Meta(type):
    def create(cls):
        return cls()

    def __iter__(cls):
        return iter([1])

    def __getitem__(cls, index):
        return index


class Base(metaclass=Meta):
    pass


class Sub(Base):
    pass


print(Sub.create())
print(Base[1])
for item in Sub:
    print(item)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
# 2: 3 18 19 20
# 3: 2 18 19 20
# 5: 4 6 22 23
# 6: 4 5 22 23
# 8: 7 9 21
# 9: 7 8 21
# 12: 10 11 13 14 15 16 17 18 19 20 21 22 23
# 13: 10 11 12 14 15 16 17 18 19 20 21 22 23
# 16: 14 15 17 18 19 20 22 23
# 17: 14 15 16 18 19 20 22 23
# 20: 18 19
# 22: 23
# 23: 22
