if (
    1
    and 2
    and 3
    or 4
):
    pass
x = (
    1 or
    2 or
    3
)
# 1: 2 3 4 5 6 7
# 7: 1 2 3 4 5 6
# 8: 9 10 11 12
