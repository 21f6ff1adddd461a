"""Public scoreboards: enzyme classes as CLEAN and CARE measure them, retrieval as ProTrek does.

`ec_files`, `protrek_files` read their files, which are the user's; `ec_metrics` are their definitions, pure; `ec`
and `sections` put a model to them.
"""
