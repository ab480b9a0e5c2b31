count = 0


def tick():
    global count
    count += 1
    return count
# 1: 6 7
# 4: 2 3 5 6 7
# 5: 2 3 4 6 7
