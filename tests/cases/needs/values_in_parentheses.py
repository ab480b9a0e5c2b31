options = {
    "name": "verbose",
    "help": (
        "say more "
        "of what is done"
    )
}


def f(
    a,
    text=(
        "one "
        "two"
    )
):
    print(a, text)
# 1: 2 3 4 5 6 7
# 10: 8 9 11 12 13 14 15 16 17
# 11: 8 9 10 12 13 14 15 16 17
# 17: 8 9 10 11 12 13 14 15 16
