class Tree:
    def names(self):
        return [self]

    def nodes(self, other):
        arguments = self
        while arguments:
            print(arguments.names())
            for name in other:
                arguments = name.arguments
        return arguments
# 1: 2 3 4 5 6 7 8 9 10 11
# 2: 3 8
# 3: 2 8
# 5: 4 6 7 8 9 10 11
# 6: 4 5 7 8 9 10 11
# 7: 8 9 10
# 9: 10
# 10: 9
