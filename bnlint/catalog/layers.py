"""The layers of Keras 3 and tf_keras, and those of Keras 1 that were renamed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from . import shapes, spatial
from .parameters import KERAS_2, KERAS_3
from .row import Role, Row, Rule

_LINEAR = ("activation", "use_bias", "data_format")
_WINDOWS = ("kernel_size", "strides", "padding", "dilation_rate", *_LINEAR)
_POOLING = ("pool_size", "strides", "padding", "data_format")
_AFFINE = ("axis", "epsilon", "center", "scale")
_KERAS_1 = (("beta_init", "beta_initializer"), ("gamma_init", "gamma_initializer"))


def _spatial() -> Iterator[Row]:
    """The layers that exist for one, two and three spatial axes."""
    for r in (1, 2, 3):
        rule, old = spatial.convolution(r), (f"Convolution{r}D",)
        yield Row(f"Conv{r}D", old, "linear", rule, computes=("filters", "groups", *_WINDOWS))
        rule, old = spatial.transposed(r), (f"Convolution{r}DTranspose", *(["Deconvolution2D"] if r == 2 else ()))
        yield Row(f"Conv{r}DTranspose", old, "linear", rule, computes=("filters", "output_padding", *_WINDOWS))
        pool, keep = ("MaxPool", "AvgPool"), ("keepdims", "data_format")
        for name, short in zip(("MaxPooling", "AveragePooling"), pool, strict=True):
            yield _carries(f"{name}{r}D", spatial.pooling(r), _POOLING, (f"{short}{r}D",))
            rule = spatial.global_pooling(r)
            yield _carries(f"Global{name}{r}D", rule, keep, (f"Global{short}{r}D",), keeps_axes=False)
            yield Row(f"Adaptive{name}{r}D", (), "pass-through", spatial.adaptive_pooling(r), since="3.13")
        yield _carries(f"Cropping{r}D", spatial.padding(r, "cropping", -1), ("cropping", "data_format"))
        yield _carries(f"UpSampling{r}D", spatial.upsampling(r), ("size", "data_format", "interpolation"))
        rule = spatial.padding(r, "padding", 1)
        yield Row(f"ZeroPadding{r}D", (), "pass-through", rule, True, computes=("padding", "data_format"))
        yield _drawn(f"SpatialDropout{r}D", "rate", "data_format")
        yield Row(f"ConvLSTM{r}D", (), "recurrent", spatial.convolved_over_time(r))
    for r in (1, 2):
        rule, old = spatial.convolution(r), (f"SeparableConvolution{r}D",)
        yield Row(f"SeparableConv{r}D", old, "linear", rule, computes=("filters", "depth_multiplier", *_WINDOWS))
        yield Row(f"DepthwiseConv{r}D", (), "linear", spatial.depthwise(r), computes=("depth_multiplier", *_WINDOWS))
        yield Row(f"LocallyConnected{r}D", (), "linear", spatial.convolution(r), until="2")


def _carries(
    name: str, rule: Rule, computes: tuple[str, ...], old: tuple[str, ...] = (), keeps_axes: bool = True
) -> Row:
    """A layer behind which a number added to a channel is still added to it."""
    return Row(name, old, "pass-through", rule, keeps_axes, True, computes)


def _activates(name: str, *computes: str, **facts: Any) -> Row:
    return Row(name, (), "activation", shapes.same, True, computes=computes, **facts)


def _drawn(name: str, *computes: str) -> Row:
    return Row(name, (), "dropout", shapes.same, True, computes=computes, random=True)


def _named(names: str, role: Role = "other", rule: Rule | None = None, **facts: Any) -> Iterator[Row]:
    return (Row(name, (), role, rule, **facts) for name in names.split())


def _others() -> Iterator[Row]:
    yield Row("Dense", (), "linear", shapes.dense, computes=("units", "activation", "use_bias"))
    yield Row("EinsumDense", (), "linear", shapes.einsum)
    yield from _named("AtrousConvolution1D AtrousConvolution2D Deconvolution3D", "linear", until="1")
    yield Row(
        "BatchNormalization",
        ("BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization"),
        *("batch-normalization", shapes.same, True),
        computes=(*_AFFINE, "momentum", "renorm", "renorm_clipping", "renorm_momentum", "fused"),
        renamed=_KERAS_1,
    )
    yield Row("LayerNormalization", (), "normalization", shapes.same, True, computes=_AFFINE)
    yield Row("GroupNormalization", (), "normalization", shapes.same, True, computes=(*_AFFINE, "groups"))
    yield from _named("UnitNormalization RMSNormalization", "normalization", shapes.same, keeps_axes=True)
    yield Row("Normalization", (), "preprocessing", shapes.same)
    yield _activates("Activation", "activation")
    yield _activates("ReLU", "max_value", "negative_slope", "threshold", multiplicative=True)
    yield _activates("LeakyReLU", "negative_slope", multiplicative=True, renamed=(("alpha", "negative_slope"),))
    yield _activates("PReLU", "shared_axes", multiplicative=True)
    yield _activates("ELU", "alpha")
    yield _activates("Softmax", "axis")
    yield Row("ThresholdedReLU", (), "activation", shapes.same, True, until="2")
    yield _drawn("Dropout", "rate", "noise_shape")
    yield _drawn("AlphaDropout", "rate", "noise_shape")
    yield _drawn("GaussianDropout", "rate")
    yield Row("GaussianNoise", (), "pass-through", shapes.same, True, True, ("stddev",), random=True)
    yield Row("Identity", (), "pass-through", shapes.same, True, True, (), multiplicative=True)
    yield Row("ActivityRegularization", (), "pass-through", shapes.same, True, computes=())
    yield Row("Masking", (), "pass-through", shapes.same)
    yield Row("Flatten", (), "pass-through", shapes.flattened, False, True, ("data_format",), multiplicative=True)
    yield Row("Reshape", (), "pass-through", shapes.reshaped, computes=("target_shape",), multiplicative=True)
    yield Row("Permute", (), "pass-through", shapes.permuted, computes=("dims",), multiplicative=True)
    yield Row("RepeatVector", (), "pass-through", shapes.repeated, computes=("n",))
    yield Row("Concatenate", (), "pass-through", shapes.concatenated, True, computes=("axis",))
    yield from _named(
        "Add Subtract Multiply Average Maximum Minimum", "join", shapes.broadcast, keeps_axes=True, computes=()
    )
    yield Row("Dot", (), "join", shapes.dotted, True)
    yield from _named("LSTM GRU SimpleRNN", "recurrent", shapes.recurrent)
    yield from _named("CuDNNLSTM CuDNNGRU", "recurrent", shapes.recurrent, until="2")
    yield Row("RNN", (), "recurrent", shapes.rolled)
    yield Row("Bidirectional", (), "recurrent", shapes.bidirectional)
    yield from _named("LSTMCell GRUCell SimpleRNNCell", rule=shapes.cell)
    yield Row("StackedRNNCells", shape=shapes.piped)
    yield Row("AbstractRNNCell", until="2")
    yield from _named("Attention AdditiveAttention", "attention", shapes.attended)
    yield Row("MultiHeadAttention", (), "attention", shapes.queried)
    yield Row("GroupQueryAttention", (), "attention", shapes.same, since="3.0")
    yield Row("Embedding", (), "other", shapes.embedded)
    yield Row("ReversibleEmbedding", shape=shapes.embedded, since="3.13")
    yield Row("TimeDistributed", (), "container", shapes.distributed, computes=())
    yield Row("SpectralNormalization", (), "container", shapes.wrapped)
    yield from _named("Layer Wrapper Lambda FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper", "container")
    yield Row("Pipeline", (), "container", shapes.piped, since="3.0")
    yield Row("InputLayer", shape=shapes.given)
    yield Row("Rescaling", (), "preprocessing", shapes.same)
    yield from _named("CenterCrop Resizing RandomCrop", "preprocessing", spatial.resized)
    yield from _named(
        "AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MixUp RandAugment"
        " RandomColorDegeneration RandomColorJitter RandomElasticTransform RandomErasing RandomGaussianBlur"
        " RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomSaturation"
        " RandomSharpness RandomShear Solarization",
        "preprocessing",
        shapes.same,
        since="3.0",
    )
    yield from _named(
        "RandomBrightness RandomContrast RandomFlip RandomRotation RandomTranslation RandomZoom",
        "preprocessing",
        shapes.same,
    )
    yield Row("CategoryEncoding", (), "preprocessing", shapes.encoded("num_tokens"))
    yield Row("Discretization", (), "preprocessing", shapes.encoded("bin_boundaries"))
    yield from _named("HashedCrossing Hashing", "preprocessing", shapes.encoded("num_bins"))
    yield from _named("IntegerLookup StringLookup", "preprocessing", shapes.encoded("vocabulary"))
    yield Row("TextVectorization", (), "preprocessing", shapes.vectorized)
    yield Row("MaxNumBoundingBoxes", (), "preprocessing", since="3.0")
    yield Row("MelSpectrogram", (), "preprocessing", shapes.mel, since="3.0")
    yield Row("STFTSpectrogram", (), "preprocessing", spatial.spectrogram, since="3.0")
    yield Row("RandomHeight", (), "preprocessing", spatial.stretched(-3), until="2")
    yield Row("RandomWidth", (), "preprocessing", spatial.stretched(-2), until="2")
    yield from _named(
        "DenseFeatures Highway MaxoutDense Merge TimeDistributedDense ParametricSoftplus"
        " RandomFourierFeatures DynamicEmbedding DynamicLookup",
        until="2",
    )


LAYERS: dict[str, Row] = {row.name: row for row in (*_spatial(), *_others())}
"""Every layer, by its class's name."""

MARKS = ("axis", "momentum", "epsilon", "moving_mean_initializer", "moving_variance_initializer")
"""Arguments that batch normalizations have and no other layer has all of, whatever their class is called."""

_SILENT = frozenset(
    "name dtype seed trainable autocast input_shape batch_input_shape batch_size input_dim weights layer synchronized"
    " l1 l2 lora_rank lora_alpha quantization_config implementation dynamic".split()
)
_SILENT_ENDS = ("_initializer", "_regularizer", "_constraint")


def is_silent(argument: str) -> bool:
    """Whether an argument has no part in what a layer computes from its weights: it counts elsewhere, if at all."""
    return argument in _SILENT or argument.endswith(_SILENT_ENDS)


WRAPPING = (shapes.distributed, shapes.bidirectional, shapes.wrapped)
"""The rules of layers that apply another one."""

_KINDS: dict[str, str] = {name: row.name for row in LAYERS.values() for name in (row.name, *row.aliases)}


def is_layer(name: str) -> bool:
    """Whether Keras has, or had, a layer of this name."""
    return name in _KINDS


def in_keras(name: str, keras: int = 3) -> bool:
    """Whether this major version of Keras has a layer of this name."""
    return kind_of(name) in (KERAS_3 if keras == 3 else KERAS_2) and is_layer(name)


def kind_of(name: str) -> str:
    """The layer's kind: its class name, with the aliases of one class under one name."""
    return _KINDS.get(name, name)


@lru_cache(maxsize=512)
def parameters(kind: str, keras: int = 3) -> tuple[tuple[str, ...], dict[str, object]]:
    """The parameters of a layer's constructor, or of a function, in order, and the defaults of those that have one.

    Those of Keras 3, or of Keras 2; of the other one where that has none of this name.
    """
    first, second = (KERAS_3, KERAS_2) if keras == 3 else (KERAS_2, KERAS_3)
    text = first.get(kind, second.get(kind))
    if text is None:
        text = LAYERS[kind].parameters if kind in LAYERS else ""
    function = ast.parse(f"def f({text}): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    names = [argument.arg for argument in arguments.args]
    with_defaults = names[len(names) - len(arguments.defaults) :]
    values = zip(with_defaults, map(ast.literal_eval, arguments.defaults), strict=True)
    return tuple(names), dict(values)
