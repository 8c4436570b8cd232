"""What the leak drill finds in its rows: from where on nobody reads, and the zone that is also of use."""

from collections.abc import Sequence

from explorer.experiments.experiment import Row
from explorer.experiments.measuring import curve_layers, mean_of
from explorer.report.charts import Chart, Line, Zone

USEFUL = 0.8  # Four of the network's five classes stay.
MARGIN_DB, MARGIN = 0.3, 0.03  # Around the points of a zone, so that a single one is seen.
TOLERANCE = 1e-6  # Of errors and shares, for the last bits of averages.
DECODER, OPTIMISER, REFITTED = "decoder", "optimiser", "refitted"
STILL = {OPTIMISER: "an optimiser", REFITTED: "a refitted decoder"}
SHADED = (
    "Shaded is where no attack here reads the picture and at least {:.0%} of the network’s top-5 stay: {}."
)
NOTHING_SHADED = (
    "Nothing is shaded: nowhere do all attacks here fail while at least {:.0%} of the network’s top-5 stay."
)
DECODER_ALONE = "Nothing is shaded: the decoder alone has attacked."


def find_zone(rows: Sequence[Row], layer: str) -> list[float]:
    """List the amounts at which no attack here reads a layer and the network's answer stays, in rows' order.

    There another network recognises nothing in what the decoder reads, nor where more is taken; every other
    attack has failed on features that were protected as much or less; and of the network's top-5 at least the
    share USEFUL stays, on average over the pictures. The list is empty where the decoder alone has attacked.
    """
    own, others = _split(rows, layer)
    unread = _list_unread(own)
    tried = mean_of(others, "edit_error")
    if tried is None or any(row["recognised_top5"] != 0 for row in others):
        return []
    errors = {amount: mean_of(own, "edit_error", amount=amount) or 0.0 for amount in unread}
    if tried < min(errors.values(), default=tried) * (1 - TOLERANCE):  # Where the decoder reads, too.
        return []
    kept = {amount: mean_of(own, "top5_continued", amount=amount) or 0.0 for amount in unread}
    return [
        amount
        for amount in unread
        if errors[amount] >= tried * (1 - TOLERANCE) and kept[amount] >= USEFUL - TOLERANCE
    ]


def draw(rows: Sequence[Row], layers: Sequence[str], unit: str) -> list[Chart]:
    """Draw privacy against use, the zone where they part shaded, and what each costs over the amount."""
    own = [row for row in rows if row["attack"] == DECODER]
    lines, zones = list[Line](), list[Zone]()
    for layer in layers:
        amounts = _list_amounts([row for row in own if row["layer"] == layer])
        read = {amount: mean_of(own, "psnr_db", layer=layer, amount=amount) for amount in amounts}
        use = [mean_of(own, "top5_continued", layer=layer, amount=amount) for amount in amounts]
        if None in read.values():
            continue
        lines.append(Line(layer, [db or 0.0 for db in read.values()], use, layer))
        zone = [read[amount] or 0.0 for amount in find_zone(rows, layer)]
        if zone:
            across, upright = (min(zone) - MARGIN_DB, max(zone) + MARGIN_DB), (USEFUL - MARGIN, 1 + MARGIN)
            zones.append(Zone(f"{layer}: unread, of use", across, upright, layer))
    titles = {
        "psnr_db": "PSNR (dB), what is read",
        "recognised_top5": "read: other network’s top-5",
        "top5_continued": "use: top-5, continued",
    }
    return [
        Chart("Privacy against use", "PSNR of what is read (dB)", "top-5, continued", lines, zones=zones),
        *(
            Chart(title, unit, title, curve_layers(own, layers, "amount", key))
            for key, title in titles.items()
        ),
    ]


def describe(rows: Sequence[Row], layers: Sequence[str]) -> list[str]:
    """Say of each layer from where on the decoder reads no more, and who still does; then what is shaded."""
    sentences = []
    for layer in layers:
        own, others = _split(rows, layer)
        unread = _list_unread(own)
        if not unread:
            sentences.append(f"{layer}: the picture is read whatever of this is taken.")
            continue
        kept = mean_of(own, "top5_continued", amount=unread[0])
        answer = "" if kept is None else f", where {kept:.0%} of the network’s top-5 stay"
        sentences.append(f"{layer}: the decoder reads no more from {unread[0]:g} on{answer}.")
        least = (mean_of(own, "edit_error", amount=unread[0]) or 0.0) * (1 - TOLERANCE)
        reading = {
            str(row["attack"]): row["amount"]
            for row in others
            if row["recognised_top5"] and float(row["edit_error"] or 0) >= least
        }
        sentences += [f"{layer}: {STILL[who]} still reads at {amount:g}." for who, amount in reading.items()]
    return [*sentences, _describe_zone(rows, layers)]


def _describe_zone(rows: Sequence[Row], layers: Sequence[str]) -> str:
    if all(row["attack"] == DECODER for row in rows):
        return DECODER_ALONE
    zones = {layer: find_zone(rows, layer) for layer in layers}
    found = [f"{layer} ({', '.join(f'{one:g}' for one in zone)})" for layer, zone in zones.items() if zone]
    return SHADED.format(USEFUL, ", ".join(found)) if found else NOTHING_SHADED.format(USEFUL)


def _split(rows: Sequence[Row], layer: str) -> tuple[list[Row], list[Row]]:
    """Give a layer's rows of the decoder, and those of other attacks."""
    mine = [row for row in rows if row["layer"] == layer]
    return [row for row in mine if row["attack"] == DECODER], [
        row for row in mine if row["attack"] != DECODER
    ]


def _list_amounts(rows: Sequence[Row]) -> list[float]:
    return list(dict.fromkeys(float(row["amount"] or 0) for row in rows))


def _list_unread(own: Sequence[Row]) -> list[float]:
    """List the amounts from which on the decoder's pictures are not recognised, in the rows' order."""
    amounts = _list_amounts(own)
    read = [place for place, amount in enumerate(amounts) if mean_of(own, "recognised_top5", amount=amount)]
    return amounts[read[-1] + 1 :] if read else amounts
