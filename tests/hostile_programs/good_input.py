# Reads lines.
# verdict: passed
# task: stdin
# stdin: '2\n3\n4\n'
# stdout: '7\n'
n = int(input())
print(sum(int(input()) for _ in range(n)))
