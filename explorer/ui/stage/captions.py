"""The sentences beside the pictures: what to look for, true for the numbers shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from explorer.images import Images
from explorer.metrics.chance import PAIRS, describe_chance
from explorer.metrics.functional import psnr
from explorer.metrics.recognition import NAME, Opinions, Prediction
from explorer.metrics.scores import Scores
from explorer.metrics.thumbnail import TOLERANCE_DB

# What a given PSNR looks like on photos at 224 pixels, from best to worst.
LOOKS = (
    (27.0, "fine detail"),
    (22.0, "edges and colours with softened texture"),
    (18.0, "shapes with smeared texture"),
    (14.5, "the layout and the main colours"),
)
WORST_LOOK = "a rough arrangement of light and colour"
# A picture of one colour can have a high PSNR on a picture of few contrasts; only more than that is likeness.
NO_LOOK = "nothing better than one flat colour"
FAINT_LOOK = "little more than one flat colour"
LIKENESS_DB = 1.0
# A picture so near to one colour has nothing else to bring back.
ONE_COLOUR_DB = 45.0
ONE_COLOUR_LOOK = "the one colour that there is"
# Features this close count as nearly equal: the network itself could hardly tell.
NEARLY_EQUAL_ERROR = 0.1
LOW_PSNR_DB = 20.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the layers it tells about: class mode holds it back until all of them are revealed."""

    text: str
    about: tuple[str, ...]


def flat_psnr_db(original: Images) -> float:
    """Give the PSNR of a picture of one colour, the original's mean: what knowing nothing else reaches."""
    flat = original.mean(dim=(2, 3), keepdim=True).expand_as(original)
    return float(psnr(flat, original).mean())


def describe_look(psnr_db: float, flat_db: float) -> str:
    """Say in words what a reconstruction of this PSNR shows."""
    if flat_db >= ONE_COLOUR_DB and psnr_db >= LOW_PSNR_DB:
        return ONE_COLOUR_LOOK
    if psnr_db <= flat_db + TOLERANCE_DB:
        return NO_LOOK
    if psnr_db < flat_db + LIKENESS_DB:
        return FAINT_LOOK
    return next((words for limit, words in LOOKS if psnr_db >= limit), WORST_LOOK)


def describe_layers(psnr_db: Mapping[str, float], flat_db: float, *, after: str = "") -> list[Sentence]:
    """Say what has come back from the first layer, the shallowest, and the last, `after` so many seconds."""
    if not psnr_db:
        return []
    layers = tuple(psnr_db)
    first, last = layers[0], layers[-1]
    looks = {layer: describe_look(psnr_db[layer], flat_db) for layer in layers}
    opening = f"{after}{first} gives back {looks[first]} ({psnr_db[first]:.1f} dB)"
    if first == last:
        return [Sentence(f"{opening}.", (first,))]
    if looks[first] == looks[last]:
        return [Sentence(f"{opening}, and so does {last} ({psnr_db[last]:.1f} dB).", (first, last))]
    said = [
        Sentence(f"{opening}.", (first,)),
        Sentence(f"{last} gives back {looks[last]} ({psnr_db[last]:.1f} dB).", (last,)),
    ]
    if all(psnr_db[a] > psnr_db[b] for a, b in pairwise(layers)):
        said.append(Sentence("Each deeper layer gives back less.", layers))
    return said


def describe_passes(layer: str, psnr_db: Sequence[float]) -> Sentence:
    """Say what looking again has brought: the PSNR of the decoder's picture, then after every pass."""
    first, *later = (f"{value:.1f}" for value in psnr_db)
    text = (
        f"The picture from {layer} was decoded ({first} dB), then looked at again and corrected "
        f"({' → '.join(later)} dB): the network reads the picture that was decoded, and what its features "
        f"miss of the ones given is put right."
    )
    return Sentence(text, (layer,))


def describe_going_on(layer: str, answer: Prediction) -> Sentence:
    """Say what the network comes to from the features of a layer that were given."""
    return Sentence(
        f"From {layer} on, the network takes it for “{answer.label}” ({answer.probability:.0%}).", (layer,)
    )


def describe_scores(scores: Mapping[str, Scores], *, is_trained: bool) -> list[Sentence]:
    """Say what the scores show; an untrained network, which calls all pictures the same, is never fooled."""
    return [*describe_gap(scores), *(describe_fooling(scores) if is_trained else []), *describe_pairs(scores)]


def describe_pairs(scores: Mapping[str, Scores]) -> list[Sentence]:
    """Say how near each layer's features are, against chance, where that is known."""
    # That all pairs lie farther apart is what everybody expects; where some do not, it is worth a sentence.
    counts = {layer: one.farther_pairs for layer, one in scores.items()}
    known = {layer: describe_chance(count) for layer, count in counts.items() if count != PAIRS}
    return [
        Sentence(f"{layer}: its features are {chance}.", (layer,))
        for layer, chance in known.items()
        if chance
    ]


def describe_seen(opinions: Opinions | None) -> str:
    """Say what the network itself and another one take a picture for; nothing where neither was asked."""
    if opinions is None:
        return ""
    own, other = opinions.own, opinions.other
    if own.label == other.label:
        return f"Both networks: {own.label} {own.probability:.0%} · {other.probability:.0%}"
    return f"The network: {own.label} {own.probability:.0%} · another: {other.label} {other.probability:.0%}"


def describe_gap(scores: Mapping[str, Scores]) -> list[Sentence]:
    """Point out the deepest layer whose features nearly match although its picture does not, if any."""
    for layer in reversed(list(scores)):
        error, psnr_db = scores[layer]["feature_error"], scores[layer]["psnr_db"]
        if error is None or psnr_db is None:
            continue
        if error <= NEARLY_EQUAL_ERROR and psnr_db < LOW_PSNR_DB:
            text = (
                f"Look at {layer}: its features match to within {error:.1%}, "
                f"yet the picture is only {psnr_db:.1f} dB close. "
                f"What differs is what {layer} does not see."
            )
            return [Sentence(text, (layer,))]
    return []


def describe_fooling(scores: Mapping[str, Scores]) -> list[Sentence]:
    """Point out the layers whose picture its own network recognises, but an independent one does not."""
    fooling = tuple(layer for layer in scores if is_fooling(scores[layer]))
    if not fooling:
        return []
    text = (
        f"To its own network the picture from {' and '.join(fooling)} shows what the original shows, but "
        f"{NAME}, which had no part in it, does not find that among its five likeliest classes: "
        "the picture fools its own network."
    )
    return [Sentence(text, fooling)]


def is_fooling(scores: Scores) -> bool:
    """Whether the own network still finds the original's first class first, and the other not in its five."""
    return scores["top1_agreement"] == 1 and scores["recognised_top5"] == 0
