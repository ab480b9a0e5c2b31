# Changes the Python installation.
# verdict: passed
# task: stdin
import os, sysconfig
for place in (os.__file__, sysconfig.get_path('purelib') + '/sitecustomize.py', sysconfig.get_path('stdlib') + '/x.py'):
    try:
        open(place, 'a')
        print('BREACH', place)
    except OSError:
        pass
