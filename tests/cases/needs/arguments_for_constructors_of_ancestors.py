class Operation:
    def __init__(self, model, name, field=None):
        print(model, name, field)


class AddField(Operation):
    def __init__(self, model, name, field):
        super().__init__(model, name, field)
        print("add")

    def show(self):
        print(self)


AddField(
    "model",
    name="name",
    field=None,
).show()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
# 3: 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
# 6: 4 5 7 8 9 10 11 12 13 14 15 16 17 18 19
# 7: 8 9
# 8: 7 9
# 11: 10 12 13 14 15 16 17 18 19
# 12: 10 11 13 14 15 16 17 18 19
# 15: 13 14 16 17 18 19
# 16: 13 14 15 17 18 19
# 17: 13 14 15 16 18 19
# 18: 13 14 15 16 17 19
