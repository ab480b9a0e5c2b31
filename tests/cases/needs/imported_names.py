from os import (
    getcwd,
    listdir,
)
print(listdir(getcwd()))
# 1: 2 3 4 5
# 2: 5
# 3: 5
