from typing import NamedTuple, Optional, Union


class Result(
    NamedTuple(
        "Result",
        [
            ("number", int),
            (
                "word",
                Optional[str],
            ),
            (
                "either",
                Union[str, int],
            ),
        ],
    )
):
    pass


words = None


def collect(text):
    global words
    words = text.split()
    words = [word.upper() for word in words]
    return words


print(Result(1, "a", 2), collect("a b"))
# 1: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 31 32 33
# 4: 2 3 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 31 32 33
# 20: 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 31 32 33
# 23: 21 22 29 30
# 26: 24 25 27 28 29 30 31 32 33
# 27: 29
# 28: 29
# 33: 31 32
