# Creates very many files.
# verdict: error
# confined: where the number of files is only measured from time to time, it may reach its end; it is an error all the same
# task: stdin
# limits: seconds=20
for number in range(60_000):
    open(f'f{number}', 'w').close()
print('BREACH')
