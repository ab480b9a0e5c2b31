from __future__ import annotations


class Tree:
    def add(self, leaf: Leaf) -> Twig: ...

    class Leaf: ...

    def cut(self, leaf: Leaf): ...


class Twig: ...
# 1: 5
# 4: 2 3 5 6 7 8 9
# 7: 2 3 4 5 6 8 9
# 9: 8
# 12: 5 10 11
