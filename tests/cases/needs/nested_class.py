class A:
    class B:
        x = 1

    y = B.x


print(A.B.x)
# 1: 2 3 4 5 6 7 8
# 2: 1 3 4 5 6 7 8
# 3: 1 2 4 5 6 7 8
# 5: 4
# 8: 6 7
