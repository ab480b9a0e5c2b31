# Raises in one call and continues.
# verdict: passed
# task: calls
# calls: f [(5,), (0,), (2,)]
# returns: [2, 'ZeroDivisionError', 5]
def f(x):
    return 10 // x
