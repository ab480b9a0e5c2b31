def outer(path):
    current: dict
    other: dict

    def load():
        nonlocal current, other
        current = path
        other = path

    def show():
        return current

    load()
    return show


def deleted():
    def again():
        nonlocal name
        name = 1

    again()
    del name
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14
# 2: 6 9 10 11 14
# 3: 6 9 10 11 14
# 5: 4 6 7 8 9 10 11 12 13 14
# 6: 9 10 11 14
# 7: 9 10 11 14
# 10: 9 11 14
# 11: 9 10 14
# 13: 12
# 17: 15 16 18 19 20 21 22 23
# 18: 15 16 17 19 20 21 22 23
# 19: 23
# 20: 15 16 17 18 19 21 22 23
# 22: 21
# 23: 19
