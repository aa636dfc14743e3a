"""Writes the figures of the embedded models' cards into MODEL_CARD.md and README.md, between their markers.

python tools/fill_model_card.py

A marker is `<!-- PART MODEL -->`; `<!-- models -->` is of all of them.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CARDS = ROOT / "src" / "mien" / "models" / "weights"
FILES = ("MODEL_CARD.md", "README.md")
WITHOUT = ", without copies of training pictures"


def share(x: float) -> str:
    return f"{x:.3f}".lstrip("0")


def percent(x: float) -> str:
    return f"{100 * x:.0f} %"


def figures(metrics: dict) -> str:
    head = "| data | labels, output | n | accuracy (95 %) | balanced | macro-F1 | second right when first wrong | ECE (by chance) |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for name, v in metrics.items():
        low, high = map(share, v["interval"])
        rest = " | ".join([*(share(v[key]) for key in ("balanced_accuracy", "macro_f1", "second_given_wrong")), calibration(v)])
        lines.append(
            f"| {name} | {v['labels']}, `{v['output']}`, {v['faces']} | {v['n']} | **{share(v['accuracy'])}** ({low} to {high}) | {rest} |"
        )
    return "\n".join(lines)


def calibration(figures: dict) -> str:
    return f"{share(figures['ece'])} ({share(figures['ece_by_chance'])})"


def affect(metrics: dict) -> str:
    valence, arousal = (metrics["FER-2013 PrivateTest"][name] for name in ("valence", "arousal"))
    return (
        f"Valence and arousal against the vote-derived values on PrivateTest: CCC {valence['ccc']:.2f} and {arousal['ccc']:.2f}, "
        f"RMSE {valence['rmse']:.2f} and {arousal['rmse']:.2f}."
    )


def doubt(metrics: dict) -> str:
    fer, plus = metrics["FER-2013 PrivateTest"], metrics["FER+ PrivateTest"]
    return (
        f"On FER+ PrivateTest the votes output is right in {100 * plus['accuracy']:.1f} % of all pictures and in "
        f"{100 * plus['coverage']['0.8']:.1f} % of the surest four fifths; on FER-2013 PrivateTest {100 * fer['accuracy']:.1f} and "
        f"{100 * fer['coverage']['0.8']:.1f} %."
    )


def raters(metrics: dict) -> str:
    plus = metrics["FER+ PrivateTest"]
    parts = "; ".join(f"{p['value']}: {percent(p['accuracy'])} of {p['n']:,}" for p in plus["groups"]["agreement"])
    return (
        f"Beside people: one of FER+'s raters alone chose the crowd's label of a PrivateTest picture in {percent(plus['one_rater'])} "
        f"of the cases, this model in {percent(plus['accuracy'])}. By the share of the raters who chose it, {parts}."
    )


BY_EMOTION = {
    "FER-2013 PrivateTest": "FER-2013 PrivateTest",
    "FER+ PrivateTest": "FER+ PrivateTest",
    "CK+ without contempt": "CK+",
    "JAFFE": "JAFFE",
}


def recall(metrics: dict) -> str:
    lines = [
        f"- {said}: {', '.join(f'{k} {percent(x)}' for k, x in metrics[name]['recall'].items())}." for name, said in BY_EMOTION.items()
    ]
    web = metrics["Kaggle nine classes, 272 pictures of anger"]
    lines.append(
        f"- 272 web pictures labelled anger (Kaggle's nine-class set): {percent(web['accuracy'])} are read as anger, "
        f"{percent(web['top2'])} have it first or second."
    )
    sizes = [share(metrics[name]["accuracy"]) for name in ("JAFFE", "JAFFE shrunk to 96 px", "JAFFE shrunk to 48 px")]
    lines.append(f"- JAFFE at 256, 96 and 48 px: {', '.join(sizes)}.")
    return "\n".join(lines)


WORSE = {
    "size": "face, px", "blur": "blur, % of the face", "jpeg": "JPEG quality", "brightness": "light, stops", "roll": "rolled, °",
    "yaw": "turned, °, simulated",
}  # fmt: skip


def robustness(metrics: dict) -> str:
    found = {name: v["robustness"] for name, v in metrics.items() if "robustness" in v}
    if not found:
        return "Not measured yet for this model."
    heads = []
    for name, v in found.items():
        whole = v["untouched"]
        low, high = map(share, whole["interval"])
        heads.append(f"{name} (`{v['output']}`, {v['faces']}, n {whole['n']}), as it is **{share(whole['accuracy'])}** ({low} to {high})")
    lines = [f"| | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for kind, said in WORSE.items():
        lines.append(f"| {said} | {' | '.join(levels(v['kinds'][kind], v['untouched']['n']) for v in found.values())} |")
    return "\n".join(lines)


def levels(rows: list, n: int) -> str:
    """`24: .643 (same 82 %)`: level and accuracy, with the share of answers that stay, the pictures where they are fewer and those without
    a face where there are some."""
    out = []
    for row in rows:
        more = [f"same {percent(row['same'])}"] if row["same"] < 1 else []
        more += [f"n {row['n']}"] if row["n"] < n else []
        more += [f"{percent(row['faceless'])} no face"] if row["faceless"] >= 0.01 else []
        aside = f" ({', '.join(more)})" if more else ""
        out.append(f"{row['level']:g}: {share(row['accuracy'])}{aside}")
    return ", ".join(out)


SETS = {"FER-2013 PublicTest": "FER-2013 PublicTest", "CK+ without contempt": "CK+", "JAFFE": "JAFFE"}


def groups(metrics: dict) -> str:
    lines = ["| set | by | part: accuracy (95 %), pictures |", "|---|---|---|"]
    for name, said in SETS.items():
        for by, parts in metrics[name].get("groups", {}).items():
            told = [
                f"{p['value']}: {share(p['accuracy'])} ({share(p['interval'][0])} to {share(p['interval'][1])}), {p['n']}" for p in parts
            ]
            lines.append(f"| {said} | {BY[by]} | {'; '.join(told)} |")
    return "\n".join(lines)


BY = {"skin": "lightness of the skin in the picture, CIE L*", "pose": "pose"}


def confused(metrics: dict) -> str:
    return "\n".join(
        f"- {said}: {', '.join(f'{shown} read as {read} {percent(x)}' for shown, read, x in metrics[name].get('confused', []))}."
        for name, said in BY_EMOTION.items()
    )


def models(cards: dict[str, dict]) -> str:
    lines = [
        "| model | size | FER-2013 PrivateTest, 7 classes (without copies) | FER+ PrivateTest, 8 classes (without copies) "
        "| CK+ / JAFFE, never trained on | ECE (by chance) |",
        "|---|---|---|---|---|---|",
    ]
    for name, card in cards.items():
        m = card["metrics"]
        fer, plus = (
            f"{share(m[f'{x} PrivateTest']['accuracy'])} ({share(m[f'{x} PrivateTest' + WITHOUT]['accuracy'])})"
            for x in ("FER-2013", "FER+")
        )
        others = f"{share(m['CK+ without contempt']['accuracy'])} / {share(m['JAFFE']['accuracy'])}"
        lines.append(f"| `{name}` | {card['bytes'] / 1e6:.1f} MB | {fer} | {plus} | {others} | {calibration(m['FER-2013 PrivateTest'])} |")
    return "\n".join(lines)


PARTS = (figures, affect, raters, doubt, recall, confused, groups, robustness)


def main(*, check: bool = False) -> int:
    cards = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(CARDS.glob("*.json"))}
    filled = {f"{part.__name__} {name}": part(card["metrics"]) for name, card in cards.items() for part in PARTS} | {
        "models": models(cards)
    }
    changed = []
    for name in FILES:
        path = ROOT / name
        old = text = path.read_text("utf-8")
        for marker, content in filled.items():
            text = re.sub(
                rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)",
                lambda found, content=content: f"{found[1]}{content}\n{found[2]}",
                text,
                flags=re.S,
            )
        if text != old:
            changed.append(name)
            if not check:
                path.write_text(text, "utf-8")
    if check and changed:
        print(f"{', '.join(changed)}: not what the cards say; run python tools/fill_model_card.py", file=sys.stderr)
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
