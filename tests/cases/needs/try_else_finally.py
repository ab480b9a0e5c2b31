def f(path):
    try:
        file = open(path)
    except OSError:
        return None
    else:
        data = file.read()
        print(data)
    finally:
        print(path)
    return data
# 1: 2 3 4 5 6 7 8 9 10 11
# 2: 1 3 4 5 6 7 8 9 10 11
# 3: 1 2 4 5 6 7 8 9 10 11
# 4: 5 6 7 8 11
# 5: 4 6 7 8 11
# 6: 7 8 11
# 7: 6 8 11
# 9: 10
# 10: 9
