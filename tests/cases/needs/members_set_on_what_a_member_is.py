from arcade import Sprite


class Player(Sprite):
    def update(self):
        self.x += 1


class Game:
    def __init__(self):
        self.player = None

    def start(self):
        self.player = Player()
        self.player.x = 3
        self.player.update()


Game().start()
# 1: 2 3 4 5 6 14 16
# 4: 2 3 5 6 14 16
# 5: 2 3 4 6 14 16
# 6: 2 3 4 5 14 16
# 9: 2 3 4 5 6 7 8 10 11 12 13 14 15 16 17 18 19
# 10: 11
# 11: 10
# 13: 2 3 4 5 6 12 14 15 16 17 18 19
# 14: 2 3 4 5 6 16
# 15: 2 3 4 5 6 12 13 14 16 17 18 19
# 19: 17 18
