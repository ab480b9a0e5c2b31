# Reaches for a file of its user by relative paths.
# verdict: passed
# confined: Landlock does not hide the names of files
# task: stdin
import os
for up in range(12):
    path = '../' * up + 'tmp/lintseq-canary/file'
    if os.path.exists(path):
        print('BREACH', path)
os.chdir('/')
for up in range(12):
    if os.path.exists('../' * up + 'tmp/lintseq-canary'):
        print('BREACH', up)
