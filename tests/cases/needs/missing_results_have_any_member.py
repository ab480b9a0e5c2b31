def make():
    print("making")
    return {}


made: dict = make()
made.clear()
# 1: 2 3 4 5 6 7
# 6: 4 5 7
