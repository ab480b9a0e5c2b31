# Gets arguments that no earlier call has changed.
# verdict: passed
# task: calls
# calls: f [([],), ([],)]
# returns: [1, 1]
def f(items):
    items.append(1)
    return len(items)
