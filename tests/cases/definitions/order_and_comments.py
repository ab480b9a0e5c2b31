import re

# How long a word may be; longer ones are cut.
LONGEST = 8

PATTERN = re.compile(r"\w+")  # letters and figures


def words(text):
    """Return the words of a text."""
    return [_cut(word) for word in PATTERN.findall(text)]


# This is about nothing in particular.

# A helper, found after its use.
# It has two lines of comment.
def _cut(word):
    return word[:LONGEST]


x = 1; y = x + 1


def next_number():
    """Return the number after the first."""
    return y
