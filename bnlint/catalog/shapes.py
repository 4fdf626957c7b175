"""Rules for the shape of an output: a function for each way of making one, used by all layers that make it so.

Shapes have the batch axis first. Sizes are as `keras.Layer.compute_output_shape` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

from .row import Asked, Rule, Shape, Size

Shapes = Sequence[Shape | None]


def same(layer: Asked, shapes: Shapes) -> Shape | None:
    """The input's shape."""
    return shapes[0] if shapes else None


def broadcast(layer: Asked, shapes: Shapes) -> Shape | None:
    """Tensors combined number by number."""
    known = [shape for shape in shapes if shape is not None]
    if not known or len(known) < len(shapes):
        return known[0] if known and len(shapes) > 1 and len(known[0]) > 1 else None
    rank = max(map(len, known))
    columns = zip(*((1,) * (rank - len(shape)) + shape for shape in known), strict=True)
    return tuple(map(_one, columns))


def _one(sizes: Sequence[Size]) -> Size:
    known = {size for size in sizes if size not in (None, 1)}
    return known.pop() if len(known) == 1 else (1 if all(size == 1 for size in sizes) else None)


def concatenated(layer: Asked, shapes: Shapes) -> Shape | None:
    """Tensors one behind the other along `axis`."""
    known = [shape for shape in shapes if shape is not None]
    axis = layer.value("axis")
    if len({len(shape) for shape in known}) != 1:  # Nothing is known, or Keras raises.
        return None
    if not isinstance(axis, int) or not -len(known[0]) <= axis < len(known[0]):
        return None
    axis %= len(known[0])
    sizes = [_one(column) for column in zip(*known, strict=True)]
    total = [shape[axis] for shape in known]
    complete = len(known) == len(shapes) and None not in total
    sizes[axis] = sum(size for size in total if size is not None) if complete else None
    return tuple(sizes)


def dense(layer: Asked, shapes: Shapes) -> Shape | None:
    """The last axis becomes `units`."""
    shape = same(layer, shapes)
    return None if shape is None else (*shape[:-1], size(layer.value("units")))


def flattened(layer: Asked, shapes: Shapes) -> Shape | None:
    """All axes but the batch's in one."""
    shape = same(layer, shapes)
    return (None, None) if shape is None else (shape[0], _product(shape[1:]))


def reshaped(layer: Asked, shapes: Shapes) -> Shape | None:
    """`target_shape` behind the batch axis; -1 in it stands for what is left."""
    shape, target = same(layer, shapes), layer.value("target_shape")
    if isinstance(target, int):
        target = (target,)
    if not isinstance(target, (tuple, list)):
        return None
    sizes = [None if one == -1 else size(one) for one in target]
    if shape is not None and None in sizes and sizes.count(None) == 1 and -1 in target:
        total, rest = _product(shape[1:]), _product([one for one in sizes if one is not None])
        if total is not None and rest:
            sizes[sizes.index(None)] = total // rest
    return (shape[0] if shape else None, *sizes)


def permuted(layer: Asked, shapes: Shapes) -> Shape | None:
    """The axes in the order of `dims`, which counts them from 1."""
    shape, dims = same(layer, shapes), layer.value("dims")
    if shape is None or not isinstance(dims, (tuple, list)):
        return None
    if not all(isinstance(one, int) for one in dims) or sorted(dims) != [*range(1, len(shape))]:
        return None
    return (shape[0], *(shape[one] for one in dims))


def recurrent(layer: Asked, shapes: Shapes) -> Shape | None:
    """What each time step gives, or the last one only."""
    shape = same(layer, shapes)
    if shape is None or len(shape) != 3:
        return None
    return over_time(layer, shape, (shape[0], size(layer.value("units"))))


def rolled(layer: Asked, shapes: Shapes) -> Shape | None:
    """The same of a cell that is given."""
    shape = same(layer, shapes)
    return None if shape is None else over_time(layer, shape, layer.inner((shape[0], *shape[2:])))


def over_time(layer: Asked, shape: Shape, step: Shape | None) -> Shape | None:
    if step is None or layer.value("return_state") is True or layer.value("time_major", False) is not False:
        return None
    sequences = layer.value("return_sequences")
    return (shape[0], shape[1], *step[1:]) if sequences is True else step if sequences is False else None


def cell(layer: Asked, shapes: Shapes) -> Shape | None:
    """A step of a recurrent layer: its units."""
    shape = same(layer, shapes)
    return None if shape is None else (shape[0], size(layer.value("units")))


def bidirectional(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the wrapped layer gives, twice."""
    shape = same(layer, shapes)
    inner = layer.inner(shape) if shape is not None else None
    if inner is None or layer.value("merge_mode") != "concat":
        return inner
    return (*inner[:-1], None if inner[-1] is None else 2 * inner[-1])


def distributed(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the wrapped layer gives for each time step."""
    shape = same(layer, shapes)
    inner = layer.inner((shape[0], *shape[2:])) if shape is not None and len(shape) > 1 else None
    return None if inner is None or shape is None else (inner[0], shape[1], *inner[1:])


def wrapped(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the wrapped layer gives."""
    shape = same(layer, shapes)
    return None if shape is None else layer.inner(shape)


def piped(layer: Asked, shapes: Shapes) -> Shape | None:
    """What the last of the layers in it gives, one behind the other."""
    return wrapped(layer, shapes)


def embedded(layer: Asked, shapes: Shapes) -> Shape | None:
    """A vector for each number."""
    shape = same(layer, shapes)
    return None if shape is None else (*shape, size(layer.value("output_dim")))


def repeated(layer: Asked, shapes: Shapes) -> Shape | None:
    """The same vector `n` times."""
    shape = same(layer, shapes)
    return (shape[0], size(layer.value("n")), shape[1]) if shape is not None and len(shape) == 2 else None


def attended(layer: Asked, shapes: Shapes) -> Shape | None:
    """For each query a vector as long as a value."""
    if len(shapes) < 2 or shapes[0] is None:
        return None
    return (*shapes[0][:-1], shapes[1][-1] if shapes[1] else None)


def queried(layer: Asked, shapes: Shapes) -> Shape | None:
    """For each query a vector as long as itself, or as is asked for."""
    shape, asked = same(layer, shapes), layer.value("output_shape")
    if shape is None or asked is None:
        return shape
    given = asked if isinstance(asked, (tuple, list)) else (asked,)
    return (*shape[:-1], *map(size, given))


def multiplied(layer: Asked, shapes: Shapes) -> Shape | None:
    """Matrices in the last two axes, multiplied."""
    if len(shapes) != 2 or any(shape is None or len(shape) < 2 for shape in shapes):
        return None
    left, right = (list(shape) for shape in shapes if shape is not None)
    for shape, name in ((left, "transpose_a"), (right, "transpose_b")):
        turned = layer.value(name, False)
        if turned is True:
            shape[-2:] = shape[:-3:-1]
        elif turned is not False:
            return None
    ahead = broadcast(layer, [tuple(left[:-2]), tuple(right[:-2])])
    return None if ahead is None else (*ahead, left[-2], right[-1])


def einsum(layer: Asked, shapes: Shapes) -> Shape | None:
    """`output_shape` behind the batch axis, with the axes that `...` stands for; sizes not given are the input's."""
    shape, equation, given = same(layer, shapes), layer.value("equation"), layer.value("output_shape")
    if shape is None or not isinstance(equation, str) or "," not in equation.partition("->")[0]:
        return None
    taken, made = (text.strip().split("...") for text in (equation.partition(",")[0], equation.partition("->")[2]))
    several = [f"{place}" for place in range(len(shape) - len("".join(taken)))]
    taken, made = ([*side[0], *several, *side[-1]] if len(side) > 1 else [*side[0]] for side in (taken, made))
    known = dict(zip(taken, shape, strict=False))
    asked = [name for name in made[1:] if name not in several]
    told = dict(zip(asked, map(size, given if isinstance(given, (tuple, list)) else (given,)), strict=False))
    return tuple(known.get(name) if told.get(name) is None else told[name] for name in made)


def dotted(layer: Asked, shapes: Shapes) -> Shape | None:
    """Two tensors without the axes that are multiplied."""
    axes = layer.value("axes")
    if len(shapes) != 2 or shapes[0] is None or shapes[1] is None:
        return None
    pair = axes if isinstance(axes, (tuple, list)) else (axes, axes)
    if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
        return None
    first, second = (
        [one for axis, one in enumerate(shape) if axis != gone % len(shape)]
        for shape, gone in zip(shapes, pair, strict=True)
        if shape
    )
    return (*first, *second[1:]) if len(first) + len(second) > 2 else (first[0], 1)


def given(layer: Asked, shapes: Shapes) -> Shape | None:
    """The shape that an input is given."""
    for name in ("batch_shape", "batch_input_shape", "shape", "input_shape"):
        found = layer.value(name)
        if isinstance(found, (tuple, list)):
            return tuple(map(size, found if name.startswith("batch") else (layer.value("batch_size"), *found)))
    return None


def encoded(count: str) -> Rule:
    """Numbers of categories, or marks among all of them: `count` says how many there are, or lists them."""

    def rule(layer: Asked, shapes: Shapes) -> Shape | None:
        shape, mode = same(layer, shapes), layer.value("output_mode")
        if shape is None or not isinstance(mode, str) or mode == "int":
            return shape if mode == "int" else None
        apart = mode == "one_hot" and (shape[-1] != 1 or len(shape) == 1)
        return (*(shape if apart else shape[:-1]), _tokens(layer, count))

    return rule


def _tokens(layer: Asked, count: str) -> Size:
    if layer.value("pad_to_max_tokens", False) is True:
        return size(layer.value("max_tokens"))
    listed, others = layer.value(count), size(layer.value("num_oov_indices", 1))
    if isinstance(listed, (tuple, list)):
        return None if others is None else len(listed) + others
    return size(listed)


def vectorized(layer: Asked, shapes: Shapes) -> Shape | None:
    """Texts as numbers of words, or one mark for each word there is."""
    shape = same(layer, shapes)
    if shape is None:
        return None
    if layer.value("output_mode") == "int":
        return (shape[0], size(layer.value("output_sequence_length")))
    return (shape[0], _tokens(layer, "vocabulary"))


def mel(layer: Asked, shapes: Shapes) -> Shape | None:
    """Frequencies over time."""
    shape, stride = same(layer, shapes), size(layer.value("sequence_stride"))
    if not shape:
        return None
    steps = None if shape[-1] is None or stride is None else (shape[-1] + stride + 1) // stride
    return (*shape[:-1], size(layer.value("num_mel_bins")), steps)


def size(value: object) -> Size:
    """A size where the value is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _product(sizes: Sequence[Size]) -> Size:
    product = 1
    for one in sizes:
        if one is None:
            return None
        product *= one
    return product
