class Solution:
    def runs(self, numbers: List[int]) -> List[int]:
        lengths = []
        last = None
        for number in numbers:
            if number == last:
                lengths[-1] += 1
            else:
                lengths.append(1)
            last = number
        return lengths
