# Reads everything at once, in three ways.
# verdict: passed
# task: stdin
# stdin: 'a\nb c\n'
# stdout: "a\n['b', 'c']\nTrue\n"
import os, sys
print(sys.stdin.readline().strip())
print(sys.stdin.read().split())
print(open(0, closefd=False).read() == '')
