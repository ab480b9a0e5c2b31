def grade(score):
    if score >= 90:
        letter = "A"
    elif score >= 75:
        letter = "B"
    else:
        letter = "C"
    return letter


def read_score(text):
    try:
        score = int(text)
    except ValueError:
        print("not a number:", text)
        return None
    else:
        return grade(score)


print(read_score("80"))
