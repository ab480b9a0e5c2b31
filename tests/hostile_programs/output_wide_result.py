# Returns ten million numbers.
# verdict: output|memory
# task: calls
# calls: f [(1,)]
# limits: memory=2147483648 seconds=20
def f(x):
    return list(range(10_000_000))
