# Creates deeply nested folders.
# verdict: passed
# task: stdin
import os
for number in range(3000):
    os.mkdir('d' * 100)
    os.chdir('d' * 100)
