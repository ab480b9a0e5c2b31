# about a
a = 1

# about f
def f():
    # about b
    b = 2
    # the end of f

# about c
c = 3
# the end
# 2: 1
# 5: 3 4 6 7 8
# 7: 3 4 5 6 8
# 11: 9 10 12
