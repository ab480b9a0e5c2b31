from enum import Enum


class Color(Enum):
    RED = 1

    @classmethod
    def default(cls):
        return cls.RED

    @property
    def label(self):
        return self.name.lower()


print(Color.RED.value)
print(Color.default().label)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15 16 17
# 5: 6 7 8 9 14 15 16 17
# 7: 6 8 9 17
# 9: 6 7 8 17
# 11: 10 12 13 17
# 13: 10 11 12 17
# 16: 14 15
