# Looks into home folders.
# verdict: passed
# task: stdin
# limits: seconds=20
import os
for path in ('/home', '/root', os.path.expanduser('~'), '/mnt', '/media', '/srv', '/opt'):
    for folder, folders, files in os.walk(path):
        if '/lib/python' in folder or 'site-packages' in folder:
            folders.clear()
            continue
        for name in files + folders:
            if name in ('.ssh', '.netrc', '.git-credentials', '.bash_history', '.aws', '.config', 'pip.conf', '.git'):
                print('BREACH', folder, name)
