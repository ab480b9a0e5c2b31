# Returns a hundred megabytes.
# verdict: output
# task: calls
# calls: f [(1,)]
# limits: memory=1073741824
def f(x):
    return 'x' * 100_000_000
