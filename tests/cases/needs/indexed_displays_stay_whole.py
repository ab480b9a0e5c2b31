second = [
    1,
    2,
][1]
last = (
    1,
    2,
)[-1]
named = {
    "a": 1,
    "b": 2,
}["a"]
print(second, last, named)
# 1: 2 3 4 13
# 5: 6 7 8 13
# 9: 10 11 12 13
