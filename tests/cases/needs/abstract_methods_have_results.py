class Tagger:
    def match(self, text):
        node = self.create(text)
        for part in self.parts(node):
            print(part)

    def create(self, text):
        """Subclasses create a node."""
        raise NotImplementedError

    def parts(self, text):
        """Subclasses tell the parts."""
        raise NotImplementedError(text)


print(Tagger)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
# 2: 3 4 5
# 3: 2 4 5
# 4: 5
# 5: 4
# 7: 2 3 4 5 6 8 9
# 9: 2 3 4 5
# 11: 4 5 10 12 13
# 13: 4 5
# 16: 14 15
