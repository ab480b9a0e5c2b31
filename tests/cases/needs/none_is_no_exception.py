class Job:
    def __init__(self):
        self.error = None
        self.failed = False

    def fail(self, error):
        self.error = error
        self.failed = True

    def make_error(self):
        print("failed")
        return ValueError()

    def finish(self):
        if self.failed:
            raise self.error
        raise self.make_error()


Job().finish()
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
# 2: 3 4
# 6: 5 7 8 15 16
# 7: 15 16
# 10: 9 11 12 17
# 12: 17
# 14: 13 15 16 17 18 19 20
# 15: 16
# 16: 15
# 20: 18 19
