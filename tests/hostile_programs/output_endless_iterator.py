# Returns an endless iterator, which is not consumed.
# verdict: passed
# task: calls
# calls: f [(1,)]
# different: [1]
import itertools


def f(x):
    return itertools.count()
