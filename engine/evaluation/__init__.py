"""How well drafts answer, beside two plain peers, over companies that nothing was trained on.

`cases` reads cases and judges outcomes, `companies` finds what is to be run, `peers` are the
keyword bot and BM25, `run` drafts every case and `crew` does so in several processes, `keeping`
keeps what is drafted until the report is written, `results` says what came of each case and why it
failed, `fluency` whether its text is whole, `figures` counts, `modes` compares verbatim with free,
`report` writes it down, and `reading` the drafts that a person is to read.
"""
