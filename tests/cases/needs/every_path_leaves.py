def f(words):
    found = None
    for word in words:
        if word:
            found = word
            continue
        else:
            print(word)
            continue
    return found
# 1: 2 3 4 5 6 7 8 9 10
# 3: 4 5 6 7 8 9
# 4: 3 5 6 7 8 9
# 7: 8 9
