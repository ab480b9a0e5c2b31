# Leaves many orphans that have ended.
# verdict: passed
# task: stdin
# stdout: 'done\n'
# limits: processes=40
import os
for _ in range(30):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
print('done')
