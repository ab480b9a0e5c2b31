# Has the line endings of another system.
# verdict: passed
# task: stdin
# stdout: 'crlf\n'
x = 1
if x:
    print('crlf')
