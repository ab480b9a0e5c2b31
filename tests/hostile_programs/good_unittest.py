# Is tested with unittest.
# verdict: passed
def add(a, b):
    return a + b
# check:
import unittest


class T(unittest.TestCase):
    def test(self):
        self.assertEqual(add(2, 3), 5)


result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
assert result.wasSuccessful() and result.testsRun == 1
