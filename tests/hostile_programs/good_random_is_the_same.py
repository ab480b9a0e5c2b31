# Draws without a seed: the same every time.
# verdict: passed
# task: stdin
# stdout: 'True\n'
import random
print(random.random() == __import__('random').Random(__import__('zlib').crc32(open(__file__, 'rb').read())).random())
