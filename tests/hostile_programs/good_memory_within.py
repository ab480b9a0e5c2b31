# Uses most of its memory.
# verdict: passed
# task: stdin
# stdout: '200000000\n'
# limits: memory=268435456
x = bytearray(200_000_000)
print(len(x))
