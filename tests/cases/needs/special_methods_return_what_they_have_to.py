class Text:
    def __init__(self, parts):
        self.parts = parts
        self.hash = None

    def load(self, parts):
        self.hash = hash(tuple(parts))

    def __hash__(self):
        return self.hash

    def render(self):
        print("rendering")
        return "".join(self.parts)

    def __str__(self):
        return self.render()

    def walk(self):
        print("walking")
        yield 1

    def __iter__(self):
        return self.walk()


print(Text([]))
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27
# 2: 3 4 14 15 16 17 25 26 27
# 3: 14 15 16 17
# 6: 5 7 8 9 10
# 7: 5 6 8 9 10
# 9: 8 10
# 10: 8 9
# 12: 11 13 14 15 16 17
# 14: 15 16 17
# 16: 15 17
# 17: 15 16
# 19: 18 20 21 22 23 24
# 21: 22 23 24
# 23: 22 24
# 24: 22 23
# 27: 25 26
