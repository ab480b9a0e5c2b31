class Wrong(Exception):
    pass


try:
    raise Wrong("x")
except Wrong:
    print("wrong")
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 5: 3 4 6 7 8
# 6: 3 4 5 7 8
# 7: 3 4 5 6 8
# 8: 3 4 5 6 7
