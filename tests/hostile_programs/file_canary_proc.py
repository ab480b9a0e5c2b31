# Reaches for a file of its user through /proc.
# verdict: passed
# task: stdin
import glob
for path in glob.glob('/proc/*/root/tmp/lintseq-canary/file') + glob.glob('/proc/*/cwd/*'):
    try:
        text = open(path).read()
    except OSError:
        continue
    if 'canary' in text and 'glob' not in text:
        print('BREACH', path)
