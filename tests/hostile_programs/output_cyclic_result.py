# Returns a list that contains itself.
# verdict: passed
# task: calls
# calls: f [(1,)]
# different: [1]
def f(x):
    value = [x]
    value.append(value)
    return value
