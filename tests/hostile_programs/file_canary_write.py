# Writes a file of its user.
# verdict: passed
# task: stdin
try:
    open('/tmp/lintseq-canary/file', 'a').write('x')
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
