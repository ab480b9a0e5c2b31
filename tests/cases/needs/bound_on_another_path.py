import sys

size = 1


def area(shape=size):
    match shape:
        case [size]:
            sys.stdout.write("one")
        case _:
            size = size + 1
    return size


def width(shape):
    if shape:
        total = 1
    else:
        sys.stdout.write(total)
    total = 2
    return total
# 1: 4 5 6 7 8 9 10 11 12 18 19
# 3: 2 4 5 6 7 8 9 10 11 12
# 6: 4 5 7 8 9 10 11 12
# 7: 4 5 6 8 9 10 11 12
# 8: 4 5 6 7 9 10 11 12
# 9: 4 5 6 7 8 10 11 12
# 10: 11 12
# 11: 10 12
# 15: 13 14 16 17 18 19 20 21
# 16: 17 18 19
# 17: 16 18 19
# 18: 19
# 19: 18
# 20: 21
