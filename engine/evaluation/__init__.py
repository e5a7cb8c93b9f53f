"""How well drafts answer, beside two plain peers, over companies that nothing was trained on.

`cases` reads cases and judges outcomes, `companies` finds what is to be run, `peers` are the
keyword bot and BM25, `run` drafts every case, `results` says what came of each and why it failed,
`figures` counts, `report` writes it down.
"""
