# Removes a file of its user.
# verdict: passed
# task: stdin
try:
    __import__('os').remove('/tmp/lintseq-canary/file')
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
