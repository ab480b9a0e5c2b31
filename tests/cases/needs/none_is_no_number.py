def show(values):
    total = None
    for value in values:
        total = value
    print("%s and 100 %% of %d values" % (total, total))
    print("%s is no number" % total)


show([1])
# 1: 2 3 4 5 6 7 8 9
# 3: 4 5
# 4: 3 5
# 9: 7 8
