# Returns a deeply nested list.
# verdict: passed
# task: calls
# calls: f [(1,)]
# different: [1]
def f(x):
    value = []
    for _ in range(100_000):
        value = [value]
    return value
