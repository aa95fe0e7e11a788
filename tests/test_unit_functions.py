"""Printed sums and functions follow from the numbers before them."""

import pytest
import torch

from netcore.analysis.unit_functions import UnitFunction, number_of, print_sum

KINDS = {"Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "ReLU": torch.relu}
SUMS = [[0.998, -1.0223, 0.0014], [7.5561, -1.4112, 0.2216], [0.00012, -0.00031], [12.3, -0.7], [-0.5, 0.004]]


def function_of(term, x):
    def apply(z):
        return float(KINDS[term](torch.tensor(z, dtype=torch.float64)))

    return UnitFunction(term, apply(x), apply)


@pytest.mark.parametrize("term", KINDS)
@pytest.mark.parametrize("terms", SUMS)
def test_print_sum_function_follows(term, terms):
    function = function_of(term, sum(terms))
    texts, total, (step,) = print_sum(terms, [function])
    assert sum(map(number_of, texts)) == pytest.approx(number_of(total), abs=1e-9)
    printed = step.split(" ")[-1]
    again = function.function(number_of(total))
    assert f"{again:.{len(printed.partition('.')[2])}f}".replace("-", "−").removeprefix("−") == printed.removeprefix(
        "−"
    )


def test_print_sum_normalization_follows():
    norm = torch.nn.BatchNorm1d(1).eval()
    norm.running_mean[:], norm.running_var[:] = 0.3137, 0.0118
    x = torch.tensor([[0.5072]])
    y = norm(x).item()
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).item()
    shift = float(-norm.running_mean) * scale
    relu = function_of("ReLU", y)
    _, total, (affine, after) = print_sum([0.279, 0.2282], [UnitFunction("BN", y, None, scale, shift), relu])
    factor, sign, size, value = affine.removeprefix("→ BN: × ").replace("=", "").split()
    assert number_of(total) * number_of(factor) + number_of(sign + size) == pytest.approx(number_of(value), abs=0.005)
    assert number_of(value) == pytest.approx(y, abs=0.005)
    assert after == f"→ ReLU {value}"


def test_print_sum_unknown_function_printed():
    assert print_sum([1.0, -0.5], [UnitFunction("LN", 0.12345)])[2] == ["→ LN 0.123"]
