"""Mappings that never change, and share their entries with those made of them.

Pure. A pipeline of thousands of operators has a mapping at each; to copy all entries at each
would take the square of its length.
"""

from collections.abc import Iterator, Mapping
from typing import Generic, Self, TypeVar

from typing_extensions import override

V = TypeVar("V")


class Layered(Mapping[str, V], Generic[V]):
    """A mapping made of layers; an entry hides those of its name in the layers below.

    Each layer has at least twice the entries of the layer above, so layers are few, and an entry
    is copied a few times only, however many mappings are made one of the other.

    >>> first = Layered({"a": 1, "b": 2})
    >>> second = first.plus({"b": 3})
    >>> dict(first), dict(second)
    ({'a': 1, 'b': 2}, {'a': 1, 'b': 3})
    """

    _layers: tuple[Mapping[str, V], ...] = ()

    def __init__(self, *layers: Mapping[str, V]) -> None:
        self._layers = layers

    def plus(self, new: Mapping[str, V]) -> Self:
        """Return the mapping with entries added or replaced."""
        if not new:
            return self
        layers = list(self._layers)
        while layers and len(layers[-1]) < 2 * len(new):
            new = {**layers.pop(), **new}
        return type(self)(*layers, new)

    @override
    def __getitem__(self, name: str) -> V:
        for layer in reversed(self._layers):
            if name in layer:
                return layer[name]
        raise KeyError(name)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in self._layers for name in layer})

    @override
    def __len__(self) -> int:
        return len({name for layer in self._layers for name in layer})
