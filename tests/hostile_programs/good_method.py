# Is called through an instance of its class.
# verdict: passed
# task: calls
# calls: Solution().add [(2, 3)]
# returns: [5]
class Solution:
    def add(self, a, b):
        return a + b
