# Writes 200 MB.
# verdict: error
# task: stdin
with open('big', 'wb') as file:
    for _ in range(200):
        file.write(bytes(1_000_000))
print('BREACH')
