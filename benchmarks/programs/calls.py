def shipping(
    weight,
    distance,
    express=False,
):
    cost = weight * 0.5 + distance * 0.1
    if express:
        cost *= 2
    return cost


ORDERS = [
    {"weight": 2, "distance": 100, "express": True},
    {"weight": 5, "distance": 30, "express": False},
]

for order in ORDERS:
    price = shipping(
        order["weight"],
        order["distance"],
        express=order["express"],
    )
    print(price)
