"""The formats of knowledge files: the bytes of each become text with its headings.

`kinds` is the table of readers, and what to do with files that none reads; `confinement` runs them
on files that nobody trusts. `content` is what a reader returns; `outline`, `tables` and `columns`
are what several readers share.
"""
