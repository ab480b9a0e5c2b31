# Has the line ends of another system.
# verdict: passed
# task: stdin
# stdout: 'crlf\n'
x = 1
if x:
    print('crlf')
