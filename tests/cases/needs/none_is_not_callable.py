class Button:
    def __init__(self):
        self.callback = None
        self.checked = None

    def connect(self, callback):
        self.callback = callback
        self.checked = callback

    def click(self):
        self.callback(1)
        if self.checked:
            self.checked(1)
        return self.checked(2) if self.checked is not None else 0


Button().click()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17
# 2: 3 4
# 6: 5 7 8 11
# 7: 11
# 10: 9 11 12 13 14 15 16 17
# 12: 13
# 13: 12
# 17: 15 16
