class Node:
    def __init__(self, value):
        self.value = value
        self.next = None


def total(node):
    return node.value


head = Node(1)
while head:
    print(head.value)
    head = head.next
# 1: 2 3 4 9 10 11 12 13 14
# 2: 1 3 4 9 10 11 12 13 14
# 3: 13
# 4: 14
# 7: 5 6 8
# 8: 5 6 7
# 11: 9 10 12 13 14
# 12: 13 14
