class Point:
    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    @classmethod
    def of(cls, value):
        return cls(*(
            value,
        ) * 3)


print(Point.of(1))
print(Point(*[
    1,
    2,
    3,
]))
print(Point(**{
    "x": 1,
    "y": 2,
    "z": 3,
}))
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22
# 5: 4 6 7 8 9 10 11 12
# 7: 4 5 6 8 9 10 11 12
# 12: 10 11
# 13: 14 15 16 17
# 18: 19 20 21 22
