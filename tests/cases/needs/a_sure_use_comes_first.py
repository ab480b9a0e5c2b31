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


def sign(draft, nonce):
    done = False
    if draft == 0:
        print(nonce)
    else:
        stamp = nonce
    if draft == 0:
        print(draft)
    else:
        print(stamp)
    try:
        print(draft)
        done = True
    finally:
        print(done)
    if draft != 0:
        print(stamp)


sign(1, 2)
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
# 29: 27 28 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48
# 30: 39 40 41 42 43
# 31: 32 33 34 37 38 44 45
# 32: 31 33 34 37 38 44 45
# 33: 34 37 38 44 45
# 34: 33 37 38 44 45
# 35: 36 37 38 44 45
# 36: 35 37 38 44 45
# 37: 38 44 45
# 38: 37 44 45
# 39: 40 41 42 43
# 42: 39 40 41 43
# 43: 39 40 41 42
# 44: 45
# 45: 44
# 48: 46 47
