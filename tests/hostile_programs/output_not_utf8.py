# Prints bytes that are not text.
# verdict: passed
# task: stdin
# stdout: ''.join(map(chr, range(256)))
# encoding: latin-1
import sys
sys.stdout.buffer.write(bytes(range(256)))
