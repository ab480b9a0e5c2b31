from typing import overload


@overload
def first(values: str) -> str: ...


@overload
def first(values: list) -> int: ...


def first(
    values,
    default=None,
):
    return values[0] if values else default


result = first(
    "a",
)
print(result)
# 1: 2 3 4 5 6 7 8 9
# 4: 2 3 5
# 8: 6 7 9
# 12: 10 11 13 14 15 16 17 18 19 20 21 22
# 13: 10 11 12 14 15 16 17 18 19 20 21 22
# 14: 10 11 12 13 15 16 17 18 19 20 21 22
# 16: 10 11 12 13 14 15 17 18 19 20 21 22
# 19: 17 18 20 21 22
# 20: 17 18 19 21 22
