# Counts the words of a text.
import re


# What is a word? Letters, and an apostrophe inside.
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def count(text):
    counts = {}
    for word in WORD.findall(text.lower()):
        # A new word starts at one.
        counts[word] = counts.get(word, 0) + 1
    return counts


# The most frequent first.
for word, number in sorted(count("to be or not to be").items(), key=lambda item: -item[1]):
    print(word, number)
