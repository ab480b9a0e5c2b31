def numbers():
    print("start")
    yield 1


for n in numbers():
    print(n)
# 1: 2 3 4 5 6 7
# 3: 4 5 6 7
# 6: 4 5 7
# 7: 4 5 6
