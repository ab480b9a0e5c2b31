from enum import Enum


class Color(Enum):
    RED = 1
    BLUE = 2


print(Color.RED)
# 1: 2 3 4 5 6 7 8 9
# 4: 2 3 5 6 7 8 9
# 5: 7 8 9
# 9: 7 8
