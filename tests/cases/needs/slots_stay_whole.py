class Base:
    __slots__: tuple[str, ...] = (
        "a",
        "b",
    )


class Sub(Base):
    __slots__ = Base.__slots__ + (
        "c",
        "d",
    )


print(Sub())
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15
# 8: 6 7 9 10 11 12 13 14 15
# 9: 6 7 8 10 11 12 13 14 15
# 15: 13 14
