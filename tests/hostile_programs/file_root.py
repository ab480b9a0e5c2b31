# Writes into the root.
# verdict: passed
# task: stdin
try:
    open('/lintseq-was-here', 'w')
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
