"""An evaluation on disk, all of it or nothing.

`content`: everything that was measured as plain JSON. `predictions`: a row for each case and model. `page`: the same
as one HTML file, from `tables`, `cards` and `inline` pictures. `write`: the folder.
"""
