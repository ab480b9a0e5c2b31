import sys

words = None

if len(sys.argv) > 1:

    class Visitor:
        def result(self):
            return 1

else:

    class Visitor:
        def show(self):
            print(self)


class Words:
    def upper(self, word):
        print(self)
        return word.upper()


def upper(word):
    global words
    if words is None:
        words = Words()
    found = words.upper(word)
    return found


visitor = Visitor()
value = visitor.result()
print(upper("a"), value)
# 1: 4 5 6 7 8 9 10 11 12 13 14 15 30 31 32 33 34
# 3: 2 26 27 28 29
# 5: 4 6 7 8 9 10 11 12 13 14 15 30 31 32 33 34
# 7: 4 5 6 8 9 10 11 12 13 14 15 30 31 32 33 34
# 8: 4 5 6 7 9 10 11 12 13 14 15 30 31 32 33 34
# 9: 4 5 6 7 8 10 11 12 13 14 15 30 31 32 33 34
# 11: 10 12 13 14 15 30 31 32 33 34
# 13: 10 11 12 14 15 30 31 32 33 34
# 14: 10 11 12 13 15 30 31 32 33 34
# 15: 10 11 12 13 14 30 31 32 33 34
# 18: 16 17 19 20 21 26 27 28 29
# 19: 16 17 18 20 21 26 27 28 29
# 21: 28 29
# 24: 22 23 25 26 27 28 29 34
# 25: 22 23 24 26 27 28 29 34
# 26: 27
# 27: 26
# 28: 29
# 32: 30 31 33 34
# 33: 34
