# Prints text of all kinds.
# verdict: passed
# task: stdin
# stdout: 'héllo ✓ 😀 日本\n'
print('héllo ✓ 😀', '日本')
