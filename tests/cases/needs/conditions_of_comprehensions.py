x = [
    y
    for y in ()
    if y
    if y
    if (
        y
    )
]
# 1: 2 3 4 5 6 7 8 9
