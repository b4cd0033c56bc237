"""Published attacks on signed PDFs, one class in a file, each a generator of fresh variants of a signed document.

`classes` lists them, `targets` makes the documents. What the answer to a variant must be stands in the tests that use
them; generators yield real changes only, never a file that means the same as what was signed.
"""
