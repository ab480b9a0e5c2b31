# Reads the environment and the command line of all processes.
# verdict: passed
# task: stdin
import glob
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try:
        text = open(path, 'rb').read()
    except OSError:
        continue
    if b'canary' in text.lower():
        print('BREACH', path)
