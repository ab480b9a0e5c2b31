# Writes 40 MB into a folder that cannot be listed.
# verdict: error
# task: stdin
# limits: scratch=8000000 seconds=5
import os, time
os.mkdir('hidden')
os.chmod('hidden', 0o300)
os.mkdir('dark', 0o300)
for folder in ('hidden', 'dark'):
    for number in range(4):
        with open(f'{folder}/{number}', 'wb') as file:
            file.write(b'x' * 5_000_000)
time.sleep(3)
print('BREACH')
