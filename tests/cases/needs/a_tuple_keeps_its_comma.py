pair = (
    1,
    2
)
first, second = pair
for name in (
    "a",
    "b",
):
    print(first, second, name)
# 1: 2 3 4 5 6 7 8 9 10
# 2: 3
# 5: 6 7 8 9 10
# 6: 7 8 9 10
# 10: 6 7 8 9
