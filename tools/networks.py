"""Draw every scene on one network of each kind, and write the table of docs/own-networks.md from what happened.

`python tools/networks.py` draws (minutes) and writes docs/networks.json and the table; with `--table` only the table,
from docs/networks.json. The networks and the drawing are those of tests/test_scenes_zoo.py, which checks the file.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "networks.json"
PAGE = ROOT / "docs" / "own-networks.md"
KINDS = {  # network of tests/networks.py: what it is, and its short name in the table
    "mlp": ("dense layers alone", "dense"),
    "skip": ("convolutions with a skip connection", "skip"),
    "resnet": ("torchvision's ResNet-18", "ResNet"),
    "densenet": ("layers that read all maps before them", "DenseNet"),
    "inception": ("parallel branches, concatenated", "Inception"),
    "mobilenet": ("torchvision's MobileNet V3", "MobileNet"),
    "channels-last": ("a block of a ConvNeXt", "ConvNeXt"),
    "vit-encoder": ("class token, positions, `nn.TransformerEncoder`", "ViT"),
    "vit-attention": ("`nn.MultiheadAttention` in blocks of one's own", "attention"),
    "windows": ("attention in windows, as in a Swin transformer", "Swin"),
    "lstm": ("`nn.LSTM` over the rows of the image", "LSTM"),
}


def draw_all() -> dict[str, dict[str, str]]:
    """Draw each scene on each network: the refusal by scene and network, "" if it was drawn."""
    sys.path.insert(0, str(ROOT / "tests"))
    import test_scenes_zoo as zoo

    scenes = zoo.all_scenes()
    found: dict[str, dict[str, str]] = {scene.name: {} for scene in scenes}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("NETCORE_CACHE", folder)
        for name in KINDS:
            run = zoo.make_zoo_run(name, Path(folder))
            for scene in scenes:
                found[scene.name][name] = zoo.draw_or_refuse(scene, run)
            print(f"{name}: {sum(not row[name] for row in found.values())} of {len(found)} scenes", file=sys.stderr)
    return found


def table(found: dict[str, dict[str, str]]) -> str:
    """Markdown table of scenes by kinds of network: a dot if drawn, a dash if refused."""
    head = ["scene", *(short for _, short in KINDS.values())]
    rows = [[f"`{scene}`", *("●" if not row[name] else "–" for name in KINDS)] for scene, row in found.items()]
    lines = [head, ["---", *[":-:"] * len(KINDS)], *rows]
    kinds = [f"- **{short}**: {words}" for words, short in KINDS.values()]
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines] + ["", *kinds])


def filled(text: str, found: dict[str, dict[str, str]]) -> str:
    """`text` with the table between its markers."""
    pattern = r"(<!-- networks -->\n).*?(<!-- /networks -->)"
    return re.sub(pattern, lambda m: f"{m[1]}\n{table(found)}\n\n{m[2]}", text, flags=re.S)


def main() -> None:
    if "--table" not in sys.argv:
        RESULTS.write_text(json.dumps(draw_all(), indent=1) + "\n", encoding="utf-8")
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
