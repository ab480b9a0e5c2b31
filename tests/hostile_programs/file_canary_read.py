# Reads a file of its user.
# verdict: passed
# task: stdin
try:
    open('/tmp/lintseq-canary/file').read()
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
