class Failure(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.message = message


class UsageError(Failure):
    def __init__(self, message, context):
        super().__init__(message)
        self.context = context


class BadParameter(UsageError):
    def __init__(self, parameter):
        super().__init__("bad", None)
        self.parameter = parameter


class BadOption(UsageError):
    def __init__(self, parameter):
        super().__init__("bad", None)
        self.parameter = parameter


class BadValue(UsageError):
    def __init__(self, parameter):
        super().__init__("bad", None)
        self.parameter = parameter


class BadName(UsageError):
    def __init__(self, parameter):
        super().__init__("bad", None)
        self.parameter = parameter
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
# 2: 1 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
# 7: 5 6 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
# 8: 5 6 7 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
# 9: 5 6 7 8 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
# 13: 11 12 14 15 16
# 14: 11 12 13 15 16
# 15: 11 12 13 14 16
# 19: 17 18 20 21 22
# 20: 17 18 19 21 22
# 21: 17 18 19 20 22
# 25: 23 24 26 27 28
# 26: 23 24 25 27 28
# 27: 23 24 25 26 28
# 31: 29 30 32 33 34
# 32: 29 30 31 33 34
# 33: 29 30 31 32 34
