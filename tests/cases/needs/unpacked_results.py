class State:
    def show(self):
        print(self)


class Socket:
    def bind(self):
        print(self)

    def close(self):
        print(self)


def new_socket():
    state = State()
    return state, Socket()


first, second = new_socket()
first.show()
second.bind()
# 1: 2 3 12 13 14 15 16 17 18 19 20 21
# 2: 1 3 12 13 14 15 16 17 18 19 20 21
# 3: 1 2 12 13 14 15 16 17 18 19 20 21
# 6: 4 5 7 8 9 10 11 16 17 18 19 20 21
# 7: 8 21
# 8: 7 21
# 10: 9 11
# 11: 9 10
# 14: 12 13 15 16 17 18 19 20 21
# 15: 12 13 14 16 17 18 19 20 21
# 16: 17 18 19 20 21
# 19: 17 18 20 21
