To add two numbers, write a function:
def add(a, b)
    return a + b
