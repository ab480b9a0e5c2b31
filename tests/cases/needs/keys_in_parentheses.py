x = 1
y = {
    (
        "container_name" if x else "bucket"
    ): str(x),
    "a": 1,
}
z = {
    (
        "folder"
    ): x,
}
print(y, z)
# 1: 2 3 4 5 6 7 8 9 10 11 12 13
# 2: 3 4 5 6 7 13
# 8: 9 10 11 12 13
