# Writes 40 MB into files that are deleted and still open.
# verdict: error
# confined: where only root can read this Python, deleted files are not counted
# task: stdin
# limits: scratch=8000000 seconds=5
import os, time
held = []
for number in range(8):
    held.append(open(f'f{number}', 'wb'))
    os.unlink(f'f{number}')
    held[-1].write(b'x' * 5_000_000)
    held[-1].flush()
time.sleep(3)
print('BREACH')
