class Door:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        print("shut")


with Door() as door:
    print(door)
# 1: 2 3 4 5 6 7 8 9 10
# 2: 3 7 8 9 10
# 3: 2 7 8 9 10
# 5: 4 6 7 8 9 10
# 6: 4 5 7 8 9 10
# 9: 7 8 10
# 10: 7 8 9
