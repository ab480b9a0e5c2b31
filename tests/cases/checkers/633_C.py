"""Any words of the list that give the ciphered text."""

import sys

given, _, output = (open(path).read().split() for path in sys.argv[1:])
text, words = given[1], set(given[3:])
print(int(words.issuperset(output) and "".join(word.lower()[::-1] for word in output) == text))
