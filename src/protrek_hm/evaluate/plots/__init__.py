"""The pictures of an evaluation: `accuracy` by measure and kind, `scores` and embeddings; `pictures` lists them."""
