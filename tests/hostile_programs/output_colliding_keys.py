# Returns a set of colliding numbers.
# verdict: passed|timeout
# task: calls
# calls: f [(1,)]
# different: [1]
# limits: seconds=5
class Cheap(int):
    def __hash__(self):
        return int.__hash__(int(self) // (2**61 - 1))


def f(x):
    return {Cheap(n * (2**61 - 1)) for n in range(20_000)}
