# Returns an iterator without an end: it is not run.
# verdict: passed
# task: calls
# calls: f [(1,)]
# different: [1]
import itertools


def f(x):
    return itertools.count()
