# Changes its user and groups, and does not believe that it could.
# verdict: passed
# task: stdin
import os
before = os.getresuid(), os.getresgid()
for act in (lambda: os.setresuid(0, 0, 0), lambda: os.setreuid(0, 0), lambda: os.setuid(1), lambda: os.setresgid(1, 1, 1)):
    try:
        act()
    except OSError:
        pass
if (os.getresuid(), os.getresgid()) != before:
    print('BREACH', os.getresuid())
