from abc import ABC, abstractmethod


class Shape(ABC):
    @abstractmethod
    def area(self):
        ...


class Dot(Shape):
    name = "dot"

    def area(self):
        return 0


print(Dot().name)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15 16 17
# 5: 2 3 4 6 7 8 9 10 11 12 13 14 15 16 17
# 7: 2 3 4 5 6 8 9 10 11 12 13 14 15 16 17
# 10: 8 9 11 12 13 14 15 16 17
# 11: 15 16 17
# 13: 12 14 15 16 17
# 14: 12 13 15 16 17
# 17: 15 16
