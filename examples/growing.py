from math import pi


def area(radius):
    # Radii cannot be negative.
    if radius < 0:
        raise ValueError("radius must not be negative")
    return pi * radius**2


for name, radius in [("coin", 1), ("plate", 13)]:
    size = area(radius)
    print(f"the {name} covers {size:.0f} square centimeters")
