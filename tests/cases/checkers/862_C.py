"""Any n distinct integers up to 10**6 whose xor is x, unless there are none."""

import sys

given, answer, output = (open(path).read().split() for path in sys.argv[1:])
size, xor = map(int, given)
if answer[0] == "NO":
    print(int(output == ["NO"]))
else:
    numbers = list(map(int, output[1:]))
    for number in numbers:
        xor ^= number
    fits = len(set(numbers)) == len(numbers) == size and all(0 <= number <= 10**6 for number in numbers)
    print(int(output[0] == "YES" and fits and xor == 0))
