# Writes 40 MB into many small files.
# verdict: error
# task: stdin
# limits: scratch=8000000 seconds=5
import time
for number in range(4000):
    with open(f'f{number}', 'wb') as file:
        file.write(bytes(10_000))
time.sleep(3)
print('BREACH')
