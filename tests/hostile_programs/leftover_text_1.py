# Leaves text in memory.
# verdict: passed
# task: stdin
secret = 'left-' + 'in-memory:' + str(12345)
print(secret)
kept = [secret + str(n) for n in range(1000)]
