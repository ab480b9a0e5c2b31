# Finds its scratch files.
# verdict: passed
# task: stdin
# files: {'data/x.txt': b'text', 'helper.py': b'word = 42'}
# stdout: 'text 42\n'
import helper
print(open('data/x.txt').read(), helper.word)
