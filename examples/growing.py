from math import pi


def area(radius):
    if radius < 0:
        raise ValueError("a radius is not negative")
    return pi * radius**2


# A coin, a saucer, a plate.
radii = [1, 7, 13]
for radius in radii:
    print(radius, area(radius))
