class A:
    def __len__(self):
        print("len")
        return 3
# 1: 2 3 4
# 2: 1 3 4
# 4: 1 2 3
