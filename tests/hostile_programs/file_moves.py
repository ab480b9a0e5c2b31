# Moves and links files into its folder and out of it.
# verdict: passed
# task: stdin
import os
open('mine', 'w').close()
canary = '/tmp/lintseq-canary'
for act in (
    lambda: os.rename(f'{canary}/file', 'theirs'),
    lambda: os.link(f'{canary}/file', 'linked'),
    lambda: os.rename('mine', f'{canary}/file'),
    lambda: os.link('mine', f'{canary}/linked'),
    lambda: os.symlink('/', f'{canary}/root'),
    lambda: os.mkdir(f'{canary}/made'),
    lambda: os.mkfifo(f'{canary}/pipe'),
):
    try:
        act()
        print('BREACH')
    except OSError:
        pass
