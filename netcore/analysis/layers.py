"""Group operations into layers: weights, normalization, activation, reshaping."""

from collections.abc import Mapping, Sequence

from netcore.analysis.operations import LIGHT, PADS, PRODUCTS, WEIGHTED, Operation, find_role
from netcore.analysis.regions import needed_names


class LayerGrouping:
    """Assign each operation to a layer.

    Parameters
    ----------
    operations : sequence of Operation
        In order of execution, dead ends removed.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.roles = [find_role(op) for op in operations]
        self._producer = {name: i for i, op in enumerate(operations) for name in op.outputs}
        self._sources = [
            sorted({self._producer[name] for name in op.inputs if name in self._producer}) for op in operations
        ]
        self._consumers: list[list[int]] = [[] for _ in operations]
        for i, sources in enumerate(self._sources):
            for source in sources:
                self._consumers[source].append(i)
        self._used_outputs = {name for op in operations for name in op.inputs}
        self._layer = [-1] * len(operations)  # number of the layer of each operation, -1 for none yet

    def groups(self) -> list[list[Operation]]:
        """Operations of each layer, layers in order of execution."""
        self._group_attention()
        for i, role in enumerate(self.roles):
            if self._layer[i] < 0 and role not in LIGHT:
                self._layer[i] = i
            if self._layer[i] >= 0 and self._is_end(i):
                self._absorb_following(i)
        self._absorb_leading()
        members: dict[int, list[int]] = {}
        for i, layer in enumerate(self._layer):
            members.setdefault(layer if layer >= 0 else len(self._layer) + i, []).append(i)
        return [[self.operations[i] for i in group] for group in sorted(members.values(), key=lambda group: group[-1])]

    # ---- attention that is written as several operations

    def _group_attention(self) -> None:
        for i, op in enumerate(self.operations):
            sink = None
            if op.kind == "scaled_dot_product_attention":
                sink = i
            elif op.kind == "Softmax" and self._behind(i) is not None:
                sink = self._ahead(i)
            if sink is not None and self._layer[sink] < 0:
                for member in self._attention_members(sink):
                    self._layer[member] = sink
                self._absorb_projection(sink)

    def _behind(self, i: int) -> int | None:
        """Nearest matrix product that leads to `i` through light operations alone."""
        for source in self._sources[i]:
            if self._is_product(source):
                return source
            if self.roles[source] in LIGHT | {"sum"}:
                return self._behind(source)
        return None

    def _ahead(self, i: int) -> int | None:
        """Nearest matrix product that reads `i` through light operations alone."""
        for consumer in self._consumers[i]:
            if self._is_product(consumer):
                return consumer
            if self.roles[consumer] in LIGHT:
                return self._ahead(consumer)
        return None

    def _is_product(self, i: int) -> bool:
        return self.roles[i] == "product" and self.operations[i].kind in PRODUCTS

    def _attention_members(self, sink: int) -> list[int]:
        """Operations that only the attention reads, back to the layers of queries, keys and values."""
        members, open_ = {sink}, {sink}
        for i in range(sink - 1, -1, -1):
            readers = self._consumers[i]
            if not readers or not set(readers) <= members or not set(readers) & open_:
                continue
            if self.roles[i] in LIGHT - {"norm"} | {"product", "sum", "dense"}:
                members.add(i)
                if self.roles[i] != "dense":  # what comes before a layer of queries is another layer
                    open_.add(i)
        return sorted(members)

    def _absorb_projection(self, sink: int) -> None:
        """The dense layer after the heads belongs to the attention."""
        chain, i = [], sink
        while len(self._consumers[i]) == 1:
            i = self._consumers[i][0]
            if self.roles[i] not in ("shape", "dense"):
                return
            chain.append(i)
            if self.roles[i] == "dense":
                for member in chain:
                    self._layer[member] = sink
                return

    # ---- light operations

    def _is_end(self, i: int) -> bool:
        """Whether nothing in the layer of `i` reads it: what follows may still belong to the layer."""
        return not any(self._layer[c] == self._layer[i] for c in self._consumers[i])

    def _absorb_following(self, start: int) -> None:
        """Add what follows, up to the last operation that all paths from the layer pass."""
        if len(self._outputs_used(start)) > 1 and self.roles[start] != "recurrent":
            return
        inside = {start}
        for i in range(start + 1, len(self.operations)):
            if self._sources[i] and set(self._sources[i]) <= inside and self._joins(i, start):
                inside.add(i)
        order, end, reach = sorted(inside), start, start
        for i in order:
            if reach <= i:
                end = i
            reach = max([reach, *(c if c in inside else len(self._layer) for c in self._consumers[i])])
        for i in order:
            if i <= end:
                self._layer[i] = self._layer[start]

    def _outputs_used(self, i: int) -> set[str]:
        return self._used_outputs & set(self.operations[i].outputs)

    def _joins(self, i: int, start: int) -> bool:
        if self._layer[i] >= 0 or len(self._outputs_used(i)) > 1 or self.operations[i].kind in PADS:
            return False  # padding prepares the input of the convolution after it
        role = self.roles[i]
        if role == "norm" and self.roles[start] in ("concatenation", "pooling"):
            return not self._leads_to_weights(i)
        return role in LIGHT or (role in ("sum", "product") and self.operations[i].kind not in PRODUCTS)

    def _leads_to_weights(self, i: int) -> bool:
        """Whether the next operation that is not light has weights: then a normalization prepares its input."""
        while True:
            readers = self._consumers[i]
            if len(readers) != 1:
                return bool(readers) and all(self.roles[r] in WEIGHTED for r in readers)
            i = readers[0]
            if self.roles[i] not in LIGHT:
                return self.roles[i] in WEIGHTED

    def _absorb_leading(self) -> None:
        """Add light operations to the one layer that reads them."""
        for i in reversed(range(len(self.operations))):
            readers = {self._layer[c] for c in self._consumers[i]}
            if self._layer[i] < 0 and len(readers) == 1 and -1 not in readers:
                self._layer[i] = readers.pop()


def find_shortcut(operations: Sequence[Operation], sum_: Operation) -> tuple[Operation, ...] | None:
    """Find the shortcut of a residual sum.

    Parameters
    ----------
    operations : of the whole network, in order.
    sum_ : an addition of two or more outputs.

    Returns
    -------
    tuple of Operation or None
        Empty for an identity; the operations of a projection (one layer of weights, its normalization, a pooling);
        None if the sum is not residual: neither input depends on the other, and no path is a mere projection.
    """
    producer = {name: op for op in operations for name in op.outputs}
    inputs = {op.node: [producer[n].node if n in producer else n for n in op.inputs] for op in operations}
    nodes = [producer[n].node if n in producer else n for n in sum_.inputs]
    behind = {node: needed_names(inputs, node) for node in nodes}
    if sum_.kind not in ("add", "radd") or len(nodes) != 2 or nodes[0] == nodes[1]:
        return None
    first, second = nodes
    if first in behind[second] or second in behind[first]:
        return ()
    common = behind[first] & behind[second]
    order = {name: i for i, name in enumerate(inputs)}
    origin = max(common, key=lambda name: order.get(name, -1), default=None)
    if origin is None:
        return None
    paths = [[op for op in operations if op.node in behind[node] - common] for node in nodes]
    light = [path for path in paths if _is_projection(path)]
    if len(light) != 1:
        return None
    return tuple(light[0])


def _is_projection(path: Sequence[Operation]) -> bool:
    roles = [op.role for op in path]
    weighted = sum(role in WEIGHTED for role in roles)
    return weighted <= 1 and set(roles) <= {"convolution", "dense", "norm", "pooling", "shape", "elementwise"}


def main_operation(operations: Sequence[Operation]) -> Operation:
    """Operation after which a layer is named: the one with weights, else the first that is not light."""
    roles: Mapping[str, str] = {op.node: op.role for op in operations}
    for wanted in ("attention", "recurrent", "convolution", "dense"):
        found = [op for op in operations if roles[op.node] == wanted]
        if found and wanted == "dense" and any(op.kind == "Softmax" for op in operations[:-1]):
            continue
        if found:
            return found[-1] if wanted == "attention" else found[0]
    if any(op.kind == "Softmax" and roles[operations[-1].node] != "activation" for op in operations):
        products = [op for op in operations if roles[op.node] == "product"]
        if products:
            return products[-1]
    return next((op for op in operations if roles[op.node] not in LIGHT), operations[0])
