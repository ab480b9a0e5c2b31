# Returns a key that is small until it is expanded.
# verdict: passed|timeout
# task: calls
# calls: f [(1,)]
# different: [1]
# limits: seconds=5
class Key(tuple):
    __hash__ = object.__hash__


def f(x):
    value = Key()
    for _ in range(100):
        value = Key((value, value))
    return {value: 1}
