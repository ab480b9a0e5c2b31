while True:
    try:
        n = int("3")
        break
    except ValueError:
        print("again")
print(n)
# 1: 2 3 4 5 6 7
# 2: 1 3 4 5 6 7
# 3: 7
# 5: 1 2 3 4 6 7
# 6: 1 2 3 4 5 7
