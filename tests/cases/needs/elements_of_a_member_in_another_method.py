import graphs


class Views:
    @classmethod
    def setup(cls):
        cls.plain = graphs.path(9)
        cls.all = [
            cls.plain,
            graphs.path(8),
        ]

    def show(self):
        for view in self.all:
            view.show()
# 1: 7 9 10
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15
# 5: 2 3 4 6 7 8 9 10 11 12 13 14 15
# 7: 9
# 8: 9 10 11 12 13 14 15
# 13: 12 14 15
# 14: 12 13 15
# 15: 12 13 14
