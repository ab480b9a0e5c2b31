class Field:
    def __init__(
        self,
        name,
        args=None,
    ):
        print(name)


class Text(Field):
    def __init__(self, name, **options):
        Field.__init__(self, name, args=["text"], **options)
# 1: 2 3 4 5 6 7 8 9 10 11 12
# 2: 1 3 4 5 6 7 8 9 10 11 12
# 3: 1 2 4 5 6 7 8 9 10 11 12
# 4: 1 2 3 5 6 7 8 9 10 11 12
# 5: 8 9 10 11 12
# 7: 1 2 3 4 5 6 8 9 10 11 12
# 10: 8 9 11 12
# 11: 8 9 10 12
# 12: 8 9 10 11
