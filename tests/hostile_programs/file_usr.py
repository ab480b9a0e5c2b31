# Writes into /usr.
# verdict: passed
# task: stdin
try:
    open('/usr/lintseq-was-here', 'w')
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
