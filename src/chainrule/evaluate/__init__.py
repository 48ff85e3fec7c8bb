"""Numbers out, and how we know them: each module answers one question.

``enumeration`` does it sum to one, how far apart are two distributions; ``likelihood`` how well does it predict;
``draws`` do samples match ``log_prob``; ``factorization`` does it respect its graph; ``partition`` what does a
normalising constant cost; ``cyclic`` and ``tables`` what does a product of factors sum to; ``dependence`` what do
neighbours share; ``independence_tests`` does a table respect a graph; ``textbook`` and ``cost`` what would the
plain way take.
"""
