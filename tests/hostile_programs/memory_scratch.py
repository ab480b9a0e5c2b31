# Fills its folder with files.
# verdict: error
# limits: memory=268435456 seconds=5
for number in range(200):
    with open(f'file{number}', 'wb') as file:
        file.write(bytes(1_000_000))

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
