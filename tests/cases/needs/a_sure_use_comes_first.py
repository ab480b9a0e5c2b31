def report(values, verbose, ready):
    if verbose:
        first = values[0]
        print(first)
    print(first)
    if ready:
        second = values[1]
        print(second)
    if ready:
        print(second)
    while values:
        if ready:
            rest = values[2:]
        print(rest)
        rest = values.pop()
    third: str
    if verbose:
        third = values[3]

    def show():
        return first, third

    return show


report([1, 2], True, False)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26
# 2: 3 4 5 19 20 21 22 23
# 3: 2 4 5 19 20 21 22 23
# 4: 5 19 20 21 22 23
# 6: 7 8 9 10
# 7: 6 8 9 10
# 9: 10
# 10: 9
# 11: 12 13 14 15
# 12: 13 14
# 13: 12 14
# 15: 14
# 16: 19 20 21 22 23
# 17: 18 19 20 21 22 23
# 18: 17 19 20 21 22 23
# 20: 19 21 22 23
# 21: 19 20 22 23
# 23: 22
# 26: 24 25
