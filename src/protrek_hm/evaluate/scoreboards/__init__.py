"""Public scoreboards: enzyme classes as CLEAN and CARE measure them (`ec`), retrieval as ProTrek does (`sections`).

Their files, which are the user's, are read by `files`.
"""
