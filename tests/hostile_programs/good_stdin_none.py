# Finds its input empty.
# verdict: passed
# task: stdin
# stdout: 'end\n'
try:
    input()
except EOFError:
    print('end')
