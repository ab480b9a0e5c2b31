size = 1


def first():
    for step in range(3):
        if step:
            print(size)
        size = step


def second():
    for step in range(3):
        if step:
            print(shape)
        shape = step
# 1: 6 7
# 4: 2 3 5 6 7 8
# 5: 2 3 4 6 7 8
# 6: 7
# 7: 6
# 11: 9 10 12 13 14 15
# 12: 9 10 11 13 14 15
# 13: 14
# 14: 13
# 15: 9 10 11 12 13 14
