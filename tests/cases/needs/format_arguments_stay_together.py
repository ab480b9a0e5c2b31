print("%s %s" % (
    1,
    2,
))
print("{} {}".format(
    1,
    2,
))
# 1: 2 3 4
# 5: 6 7 8
