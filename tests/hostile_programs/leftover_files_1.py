# Leaves files.
# verdict: passed
# task: stdin
for path in ('/tmp/left', '/dev/shm/left', 'left', '/var/tmp/left2', '/tmp/work/json.py'):
    try:
        open(path, 'w').write('left')
    except OSError:
        pass
