class Tree:
    class Leaf: ...

    def add(self, leaf: "Leaf"): ...

    leaves: "list[Leaf]"
# 1: 2 3 4 5 6
# 2: 1 3 4 5 6
# 4: 3
# 6: 5
