from typing import Generic, TypeVar

T = TypeVar("T")


class Base(Generic[T]):
    def __init__(self, scope):
        self.scope = scope

    def start(self):
        print("started")


class Request(Base[T]):
    def show(self):
        self.start()
        print(self.scope)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 3: 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 6: 4 5 7 8 9 10 11 12 13 14 15 16 17
# 7: 8 17
# 8: 7 17
# 10: 9 11 16
# 11: 9 10 16
# 14: 12 13 15 16 17
# 15: 12 13 14 16 17
