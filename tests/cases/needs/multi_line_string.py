text = """one

# two
three"""
print(text)
# 1: 2 3 4 5
