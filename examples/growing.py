from math import pi


def area(radius):
    # Nothing is smaller than a point.
    if radius < 0:
        raise ValueError("a radius is not negative")
    return pi * radius**2


for name, radius in [("coin", 1), ("plate", 13)]:
    size = area(radius)
    print(f"a {name} takes {size:.0f} square centimeters")
