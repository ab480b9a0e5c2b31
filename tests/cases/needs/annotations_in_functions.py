def area(radius):
    return radius


def volume(radius):
    area = radius
    area: area = 1
    size: "height" = area
    height = int
    return size, height
# 1: 2
# 2: 1
# 5: 3 4 6 7 8 9 10
# 6: 7 8 10
# 8: 10
# 9: 8 10
