def reset():
    global count
    count = 0


def increase():
    global count
    count += 1


reset()
increase()
# 1: 2 3 8 9 10 11
# 2: 8
# 3: 8
# 6: 4 5 7 8 12
# 7: 4 5 6 8 12
# 11: 9 10
