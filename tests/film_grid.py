"""Networks, images and frames that films are tried on.

`python tests/film_grid.py` (``make films-grid``) plays every film on the whole covering and prints a table.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
from film_checks import Playback, check_layout, module_context, play_film, smallest_text

from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.run import Run
from netcore.viz.theme import THEMES

FRAMES = {"16:9": (854, 480), "4:3": (800, 600), "1:1": (600, 600), "9:16": (480, 854)}
DENSE_FACTORS: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "depth": (1, 2, 3, 5, 12),
        "width": (4, 16, 64, 1024, 4096),
        "activation": ("Sigmoid", "ReLU", "Tanh", "GELU", "none"),
        "norm": ("none", "batch"),
        "channels": (1, 3),
        "size": ((8, 8), (28, 28), (20, 36), (224, 224), (1, 12)),
        "classes": (2, 3, 10, 100),
        "names": ("digits", "words"),
        "outcome": ("right", "wrong", "unlabeled"),
        "normalized": (False, True),
        "frame": tuple(FRAMES),
        "theme": ("dark", "light"),
    }
)
CNN_FACTORS: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "convolutions": (1, 2, 4),
        "kernel": (1, 3, 5),
        "stride": (1, 2),
        "groups": ("one", "depthwise"),
        "norm": ("none", "batch", "group"),
        "activation": ("ReLU", "Tanh", "GELU", "none"),
        "pooling": ("none", "max", "average"),
        "blocks": ("plain", "residual", "projected", "parallel"),
        "head": ("flatten", "hidden", "global"),
        "maps": (4, 16, 64),
        "channels": (1, 3),
        "size": ((8, 8), (28, 28), (24, 32), (64, 64), (224, 224)),
        "classes": (2, 10, 100),
        "outcome": ("right", "wrong", "unlabeled"),
        "frame": tuple(FRAMES),
        "theme": ("dark", "light"),
    }
)
LACKING = {"dense": "maps", "cnn": "mlp"}  # what a network of that kind cannot have
WORDS = ("T-shirt/top", "ankle boot", "a rather long name of a class", "cat", "Ä", "sea lion")


def cover_pairs(factors: Mapping[str, Sequence[Any]], seed: int = 0, tries: int = 40) -> list[dict[str, Any]]:
    """Return cases in which every two values of two factors meet at least once.

    Greedy: each case is the best of some random ones that begin with a pair not yet covered.
    """
    rng = np.random.default_rng(seed)
    names = list(factors)
    missing = {
        (a, i, b, j) for a, b in combinations(names, 2) for i in range(len(factors[a])) for j in range(len(factors[b]))
    }
    cases = []
    while missing:
        a, i, b, j = min(missing)
        best: dict[str, int] = {}
        gain: set[tuple[str, int, str, int]] = set()
        for _ in range(tries):
            case = {name: int(rng.integers(len(factors[name]))) for name in names} | {a: i, b: j}
            found = {(p, case[p], q, case[q]) for p, q in combinations(names, 2)} & missing
            if len(found) > len(gain):
                best, gain = case, found
        missing -= gain
        cases.append({name: factors[name][k] for name, k in best.items()})
    return cases


def spread_sample(cases: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return some cases, as different from each other as possible."""
    chosen = [cases[0]]
    while len(chosen) < min(count, len(cases)):
        rest = [case for case in cases if case not in chosen]
        chosen.append(max(rest, key=lambda case: min(sum(case[k] != c[k] for k in case) for c in chosen)))
    return chosen


def describe_case(case: Mapping[str, Any]) -> str:
    """Return a case in one line."""
    return " ".join("×".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in case.values())


def make_module(case: Mapping[str, Any]) -> Any:
    """Make the network of a case, with random weights that keep values in range."""
    import grid_networks

    make = grid_networks.cnn_module if "kernel" in case else grid_networks.dense_module
    return make(case, sum(map(ord, describe_case(case))))


def case_context(run: Run, module: Any, case: Mapping[str, Any]) -> SceneContext:
    """Make the context of a network on an image of the case's shape, with its outcome."""
    from module_network import learning_context

    rng = np.random.default_rng(1)
    height, width = case["size"]
    y, x = np.mgrid[:height, :width]
    blob = np.exp(-(((y - height / 2) / (height / 5)) ** 2 + ((x - width / 2) / (width / 5)) ** 2))
    noise = rng.random((case["channels"], height, width))
    pixels = np.clip(255 * (blob * (0.5 + 0.5 * noise)), 0, 255).astype(np.uint8)
    named = case.get("names", "words") == "words"
    classes = [WORDS[k] if named and k < len(WORDS) else str(k) for k in range(case["classes"])]
    channels = case["channels"]
    keys = {"mean": (0.4,) * channels, "std": (0.3,) * channels} if case.get("normalized") else {}
    answer = module_context(run, module, pixels, classes, None, **keys).trace().prediction
    label = {"right": answer, "wrong": (answer + 1) % len(classes), "unlabeled": None}[case["outcome"]]
    return learning_context(run, module, pixels, classes, label, **keys)


def play_case(film: Any, context: SceneContext, case: Mapping[str, Any]) -> Playback:
    """Play a film on a case, and check that everything is readable at the end of each step."""
    played = play_film(film, context, THEMES[case["theme"]], fps=1, size=FRAMES[case["frame"]], draw=False)
    check_layout(played)
    assert smallest_text(played) >= 14, "text under 14 px at 800 wide"
    for step in played.steps:
        for line in step.caption.split(". "):
            assert len(line) <= 50, f"caption of {len(line)} characters: {line}"
    return played


def main() -> int:
    """Play every film on the coverings; print a table. `--cases N` takes a spread sample of each covering.

    Only films that need a network and images alone: a case has no snapshots of a training.
    """
    import argparse
    import tempfile
    import time
    from pathlib import Path

    from toy_runs import make_untrained_run

    from netcore.rendering.scenes import all_scenes, load_film

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", nargs="*", help="Names of films; default: all.")
    parser.add_argument("--cases", type=int, help="Number of cases of each covering; default: all.")
    given = parser.parse_args()
    possible = {"mlp", "maps", "convolution", "pooled-maps", "dense", "examples"}
    scenes = [s for s in all_scenes() if s.kind == "film" and set(s.needs) <= possible]
    films = {s.name: load_film(s.path, s.class_name) for s in scenes if not given.films or s.name in given.films}
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        run = make_untrained_run(Path(folder) / "made")
        for kind, factors in (("dense", DENSE_FACTORS), ("cnn", CNN_FACTORS)):
            cases = cover_pairs(factors)
            cases = spread_sample(cases, given.cases) if given.cases else cases
            chosen = [s for s in scenes if s.name in films and LACKING[kind] not in s.needs]
            counts = {s.name: {"drawn": 0, "refused": 0, "failed": 0, "seconds": 0.0} for s in chosen}
            for case in cases:
                context = case_context(run, make_module(case), case)  # traced once for all films
                for name in counts:
                    started = time.perf_counter()
                    outcome, words = try_case(films[name], context, case)
                    counts[name]["seconds"] += time.perf_counter() - started
                    counts[name][outcome] += 1
                    if outcome == "failed":
                        failed += 1
                        print(f"{name}: {describe_case(case)}: {words}", flush=True)
            for name, found in counts.items():
                numbers = "  ".join(f"{word} {found[word]:3.0f}" for word in found)
                print(f"{name:28s} {kind:6s} {len(cases):4d} cases  {numbers}", flush=True)
    return min(failed, 1)


def try_case(film: Any, context: SceneContext, case: Mapping[str, Any]) -> tuple[str, str]:
    """Play one case: drawn, refused or failed, and the words of the refusal or failure."""
    try:
        play_case(film, context, case)
    except RequirementError as error:
        return "refused", str(error)
    except Exception as error:  # whatever happens in a case must not end the table
        return "failed", f"{type(error).__name__}: {str(error)[:200]}"
    return "drawn", ""


if __name__ == "__main__":
    sys.exit(main())
