def mean(numbers):
  total = 0
  for number in numbers:
    total += number
  return total / len(numbers)


def variance(numbers):
  middle = mean(numbers)
  return mean([(number - middle) ** 2 for number in numbers])


print(variance([1, 2, 3, 4]))
