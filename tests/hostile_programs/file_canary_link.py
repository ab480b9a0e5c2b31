# Reaches for a file of its user through links.
# verdict: passed
# task: stdin
import os
os.symlink('/tmp/lintseq-canary', 'way')
for act in (lambda: open('way/file').read(), lambda: os.link('/tmp/lintseq-canary/file', 'mine'), lambda: os.listdir('way')):
    try:
        act()
        print('BREACH')
    except OSError:
        pass
