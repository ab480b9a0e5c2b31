# Prints the rest of its output when an object is freed, as wrappers for fast output do; a cycle holds it.
# verdict: passed
# task: stdin
# stdout: 'first\nlast\n'
from io import IOBase
from os import write

class Kept(IOBase):
    def close(self):
        write(1, ending)

def use():
    return kept

ending = b"last\n"
kept = Kept()
kept.itself = kept
print("first", flush=True)
