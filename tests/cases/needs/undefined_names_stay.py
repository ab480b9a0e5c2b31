print(nowhere)
x = 1
