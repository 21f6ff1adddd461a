"""What a score gets that understands less than it should: a model must beat these by more than its interval.

`blind`: by lengths, by the protein alone. `words`: by the description alone. `homologs`: by the text of the nearest
training protein. `kmers`: by a linear map from a protein's letters. `shuffled`: the model itself, the texts exchanged.
`all_of_them` puts them together.
"""
