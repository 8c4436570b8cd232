"""Values as anybody may send them: JSON of every kind, some of it at the edge of what JSON can say."""

from hypothesis import strategies as st

ODD_TEXTS = ["", "${oc.env:HOME}", "cat", "data:,", "A" * 5_000, "\0", "\ud800"]
TEXTS = st.text(max_size=40) | st.sampled_from(ODD_TEXTS)
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**63, -1, 0, 1e308, float("nan"), float("inf")])
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
