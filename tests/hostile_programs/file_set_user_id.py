# Creates a program that would run as another user.
# verdict: passed
# confined: where programs run as their user, changing modes has no effect
# task: stdin
import os, shutil, subprocess
shutil.copy('/usr/bin/id', 'mine')
try:
    os.chown('mine', 0, 0)
    print('BREACH: gave a file away')
except OSError:
    pass
try:
    os.chmod('mine', 0o6755)
except OSError:
    pass
out = subprocess.run(['./mine', '-u'], capture_output=True, text=True).stdout
if out.strip() == '0':
    print('BREACH: root')
for path in ('/usr/bin/su', '/usr/bin/sudo', '/usr/bin/passwd', '/usr/bin/mount'):
    if os.path.exists(path):
        print(path, subprocess.run([path, '--version'], capture_output=True).returncode)
