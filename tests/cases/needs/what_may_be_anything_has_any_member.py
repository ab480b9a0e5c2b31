class Stack:
    def push(self, value):
        print(value)

    def clear(self):
        print("cleared")


class User:
    def __init__(self, stack=None):
        self.own = stack is None
        if stack is None:
            stack = Stack()
        self.stack = stack

    def use(self, other):
        self.stack.push(1)
        self.stack.clear()


User().use(1)
# 1: 2 3 4 5 6 12 13
# 2: 3
# 3: 2
# 5: 4 6
# 6: 4 5
# 9: 7 8 10 11 12 13 14 15 16 17 18 19 20 21
# 10: 7 8 9 11 12 13 14 15 16 17 18 19 20 21
# 12: 13
# 13: 12
# 14: 15 16 17 18 19 20 21
# 16: 15 17 18 19 20 21
# 21: 19 20
