import sys

names = {
    (
        "a",
        "b",
    ): 1,
    (
        "a",
        "c",
    ): 2,
    "left"
    "right": 3,
    "left"
    "hand": 4,
}
sys.stdout.write(f"{names}")
# 1: 17
# 3: 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 4: 5 6 7
# 8: 9 10 11
# 12: 13
# 14: 15
