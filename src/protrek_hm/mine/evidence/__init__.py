"""What is known about two proteins' functions: evidence by kind, with a reason for each pair.

`columns` (fields that the user names), `annotations` (EC, GO), `effects` (what variants are said to do), `words`
(labelled fields and telling words of the texts), `doubts` (what casts doubt on a difference in words). Every module
turns entries into values once, compares each distinct pair of values once, and answers with `findings.Findings`;
`gate` weighs them.
"""
