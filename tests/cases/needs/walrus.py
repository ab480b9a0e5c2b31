if (n := 3) > 2:
    print(n)
print(n)
# 1: 2 3
# 2: 1 3
