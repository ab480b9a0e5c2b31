# Creates very many files.
# verdict: error
# task: stdin
# limits: seconds=20
for number in range(60_000):
    open(f'f{number}', 'w').close()
print('BREACH')
