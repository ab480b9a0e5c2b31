# Removes a folder of its user.
# verdict: passed
# task: stdin
try:
    __import__('shutil').rmtree('/tmp/lintseq-canary')
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
