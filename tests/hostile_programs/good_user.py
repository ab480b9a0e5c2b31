# Knows its user.
# verdict: passed
# confined: its user has no name
# task: stdin
# stdout: 'program program /tmp/work\n'
import getpass, os, pwd
print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_name, os.path.expanduser('~'))
