class Node:
    def __init__(self, depth):
        self.children = []
        self.next = Node(depth - 1) if depth else None

    def walk(self):
        return self.next.children[0]


def first(nodes):
    return nodes[0] if nodes else Node(0)


print(first([]).children)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14
# 3: 5 6 7 12 13 14
# 4: 5 6 7
# 6: 5 7
# 7: 5 6
# 10: 8 9 11 12 13 14
# 11: 8 9 10 12 13 14
# 14: 12 13
