# Returns the right values.
# verdict: passed
# task: calls
# calls: f [(1,), (2, 3)]
# returns: [{1: [3, (1,), {1}, None, True, 1.5, 'é', b'x', 1j]}, {2: [5, (2,), {2}, None, True, 1.5, 'é', b'x', 1j]}]
def f(x, y=2):
    return {x: [x + y, (x,), {x}, None, True, 1.5, 'é', b'x', 1j]}
