# Returns something that claims to be a list.
# verdict: passed
# task: calls
# calls: f [(1,)]
# different: [[1, 2, 3]]
class Liar:
    @property
    def __class__(self):
        return list

    def __iter__(self):
        return iter([1, 2, 3])

    def __eq__(self, other):
        return True


def f(x):
    return Liar()
