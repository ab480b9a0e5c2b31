from dataclasses import dataclass, field


@dataclass
class Base:
    name: str
    tags: list = field(default_factory=list)


@dataclass
class Point(Base):
    x: int = field(repr=False, kw_only=True)
    y: int = field(default=0, init=False)


print(Point(
    name="a",
    tags=[],
    x=1,
))
print(Base(
    "a",
    [],
))
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
# 6: 17 22
# 7: 18 23
# 10: 8 9 11 12 13 14 15 16 17 18 19 20
# 12: 19
# 16: 14 15 17 18 19 20
# 17: 14 15 16 18 19 20
# 19: 14 15 16 17 18 20
# 21: 22 23 24
# 22: 21 23 24
