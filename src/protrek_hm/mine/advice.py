"""What to say when mining finds no twin: what was found instead, and which flag to relax."""

from protrek_hm.mine.config import MineConfig


def advise(verdicts: dict[str, int], config: MineConfig) -> str:
    """Return the message for a run without a triplet.

    verdicts: number of pairs called same, unsure and different.

    Examples
    --------
    >>> advise({"same": 3, "unsure": 1}, MineConfig(gate="text"))
    'no twin found: 4 pairs look alike, the gate calls 3 same, 1 unsure, none different; raise --max-text-similarity'
    """
    alike = sum(verdicts.values())
    if config.compat:
        return "no twin found in the reference's way: mine without --compat, which finds all of them"
    if not alike:
        return (
            f"no twin found: no two proteins are {config.min_identity:.0%} to {config.max_identity:.2%} "
            f"identical over {config.coverage:.0%} of their length; lower --min-identity or --coverage, "
            "or give more proteins"
        )
    if verdicts.get("different"):
        return "no twin is left: the guide scores every negative above 95 % of its positive; mine without --guide"
    counts = ", ".join(f"{verdicts.get(name, 0):,} {name}" for name in ("same", "unsure"))
    remedy = (
        "raise --max-text-similarity"
        if config.gate == "text"
        else "name columns that tell functions apart (--evidence column:set), or go by wording (--gate text)"
    )
    return f"no twin found: {alike:,} pairs look alike, the gate calls {counts}, none different; {remedy}"
