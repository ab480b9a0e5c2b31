__all__ = [
    "size",
    "shape",
]
size: int
shape: int
shape = 1
# 1: 2 3 4
# 5: 2
