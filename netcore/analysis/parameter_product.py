"""The number of parameters of a layer as a product."""

from dataclasses import dataclass

from netcore.analysis.operations import Operation


@dataclass(frozen=True)
class ParameterProduct:
    """Parameters of a convolution or dense layer: ``units × (inputs × taps + 1)``.

    Attributes
    ----------
    units : int
        Number of maps or neurons.
    inputs : int
        Number of maps or values that each of them reads.
    taps : int
        Weights of a kernel for one map, 1 for a dense layer.
    bias : bool
    """

    units: int
    inputs: int
    taps: int
    bias: bool

    @property
    def total(self) -> int:
        """Number of parameters."""
        return self.units * (self.inputs * self.taps + self.bias)

    @property
    def text(self) -> str:
        """The product in numbers: ``"64 × (32 × 9 + 1)"``."""
        factors = " × ".join(f"{n:,}" for n in (self.inputs, self.taps) if n > 1) or "1"
        return f"{self.units:,} × ({factors} + 1)" if self.bias else f"{self.units:,} × {factors}"


def parameter_product(operation: Operation, units: int) -> ParameterProduct | None:
    """Write the parameters of an operation as a product; None if they are not one.

    Parameters
    ----------
    operation : Operation
    units : int
        Number of its maps or neurons.
    """
    sizes = sorted(operation.parameters.values(), reverse=True)
    if not sizes or units == 0 or operation.role == "norm":
        return None
    each, rest = divmod(sizes[0], units)
    bias = len(sizes) == 2 and sizes[1] == units
    if rest or len(sizes) > 1 + bias:
        return None
    taps = operation.window.kernel[0] * operation.window.kernel[1] if operation.window else 1
    return None if each % taps else ParameterProduct(units, each // taps, taps, bias)
