# Becomes root.
# verdict: passed
# confined: where only root can read this Python, changing the user has no effect
# task: stdin
import os
for act in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgid(0), lambda: os.setgroups([0])):
    try:
        act()
        print('BREACH')
    except OSError:
        pass
