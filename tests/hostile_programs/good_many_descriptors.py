# Opens many files.
# verdict: passed
# task: stdin
# stdout: '300\n'
files = [open('/dev/null') for _ in range(300)]
print(len(files))
