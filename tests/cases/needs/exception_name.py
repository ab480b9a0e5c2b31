try:
    print(1)
except ValueError as error:
    print(error)
# 1: 2 3 4
# 2: 1 3 4
# 3: 1 2 4
# 4: 1 2 3
