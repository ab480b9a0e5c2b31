from os import name, path

print(name, path)


def sizes(values):
    name = None
    for name, size in values:
        print(name, size)
    return name


path = "a"


def paths(values):
    for path in values:
        print(path)


print(sizes([]), paths([]), path)
# 1: 2 3
# 3: 2
# 6: 4 5 7 8 9 10 19 20 21
# 7: 4 5 6 8 9 10 19 20 21
# 8: 9
# 9: 8
# 13: 11 12 14 15 16 17 18 19 20 21
# 16: 14 15 17 18 19 20 21
# 17: 14 15 16 18 19 20 21
# 18: 14 15 16 17 19 20 21
# 21: 19 20
