"""What is known about two proteins' functions, one kind of evidence a module, each pair with a reason.

`columns` (fields that the user names), `ec`, `go`, `effects` (what variants are said to do), `words`
(labelled fields and telling words of the texts). Every module turns entries into values once, compares each
distinct pair of values once, and answers with `findings.Findings`; `gate` weighs them.
"""
