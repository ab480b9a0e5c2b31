def common(words):
    found = None
    best = 0
    for word in words:
        if len(word) > best:
            best = len(word)
            found = word
        elif len(word) == best:
            found = f"{word} and {found}"
        else:
            print(found)
    return found


def alone(words):
    found = None
    if words:
        found = words[0]
    else:
        print(found)
# 1: 2 3 4 5 6 7 8 9 10 11 12
# 2: 12
# 3: 4 5 6 7 8 9 10 11
# 4: 5 6 7 8 9 10 11
# 5: 4 6 7 8 9 10 11
# 8: 9 10 11
# 9: 8 10 11
# 10: 11
# 11: 10
# 15: 13 14 16 17 18 19 20
# 16: 19 20
# 17: 18 19 20
# 18: 17 19 20
# 19: 20
# 20: 19
