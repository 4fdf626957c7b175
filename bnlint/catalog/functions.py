"""The functions of keras.ops and keras.activations, tf.nn and tf.math, as operations on tensors.

A function that does what a layer does is found at the layer's row: `tf.add` is Add.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import shapes
from .layers import LAYERS
from .row import Role, Row, Rule

_ACTIVATIONS = """
celu elu erf exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu log_sigmoid log_softmax mish
relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus tanh
tanh_shrink threshold
"""
_EACH_NUMBER = """
abs absolute acos acosh angle arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh bessel_i0 bessel_i0e
bessel_i1 bessel_i1e bitwise_invert bitwise_not cbrt ceil clip clip_by_value conj conjugate copy cos cosh deg2rad
digamma erfc erfcinv erfinv exp exp2 expm1 fabs flip floor i0 imag isfinite isinf isnan isneginf isposinf isreal
l2_normalize lgamma log log10 log1p log2 logical_not nan_to_num ndtri negative normalize ones_like rad2deg real
reciprocal reciprocal_no_nan rint rms_normalization roll round rsqrt saturate_cast sign signbit sin sinc sinh sort sqrt
square tan tril triu trunc zeros_like
"""
_TWO_NUMBERS = """
arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor equal floor_divide floormod
fmax fmin fmod gcd greater greater_equal heaviside hypot isclose lcm ldexp left_shift less less_equal logaddexp
logaddexp2 logical_and logical_or logical_xor mod multiply_no_nan nextafter not_equal power right_shift
squared_difference xdivy xlog1py xlogy
"""
_OTHERS = """
accumulate_n adaptive_average_pool adaptive_max_pool add_n all all_candidate_sampler allclose amax amin any append
approx_max_k approx_min_k arange argmax argmin argpartition argsort array array_split associative_scan atrous_conv2d
atrous_conv2d_transpose bartlett batch_norm_with_global_normalization betainc binary_crossentropy bincount blackman
broadcast_to categorical_crossentropy cdist cholesky cholesky_inverse collapse_repeated compute_accidental_hits
compute_average_loss cond confusion_matrix convert_to_numpy convert_to_tensor corrcoef correlate count_nonzero cross
ctc_beam_search_decoder ctc_decode ctc_greedy_decoder ctc_loss ctc_unique_labels cumprod cumsum cumulative_logsumexp
custom_gradient depth_to_space depthwise_conv2d_backprop_filter depthwise_conv2d_backprop_input det diag diagflat
diagonal diff digitize dilation2d dot_product_attention dsplit dstack dtype eig eigh einsum embedding_lookup
embedding_lookup_sparse empty empty_like erosion2d extract_sequences eye fft fft2 fixed_unigram_candidate_sampler fliplr
flipud fold fori_loop fractional_avg_pool fractional_max_pool full full_like geomspace hamming hanning histogram hsplit
hstack ifft2 igamma igammac in_top_k inner inv invert_permutation irfft is_non_decreasing is_strictly_increasing
is_tensor isin isotonic_regression istft jvp kaiser kron l2_loss lbeta learned_unigram_candidate_sampler linspace
local_response_normalization log_poisson_loss logdet logspace logsumexp lrn lstsq lu_factor map matrix_rank max
max_pool_with_argmax mean median meshgrid min moments moveaxis multi_hot nanargmax nanargmin nancumprod nancumsum nanmax
nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar nce_loss ndim nonzero norm
normalize_moments one_hot ones outer percentile pinv polar polygamma polyval pool prod psnr ptp qr quantile ravel
rearrange reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod
reduce_std reduce_sum reduce_variance repeat rfft rot90 safe_embedding_lookup_sparse sampled_softmax_loss scalar_mul
scale_regularization_loss scan scatter scatter_update searchsorted segment_max segment_mean segment_min segment_prod
segment_sum select shape sigmoid_cross_entropy_with_logits size slice slice_update slogdet sobol_sample
softmax_cross_entropy_with_logits solve solve_triangular space_to_batch space_to_depth sparse_categorical_crossentropy
sparse_softmax_cross_entropy_with_logits split stack std stft sufficient_statistics sum svd swapaxes switch take
take_along_axis tensordot tile top_k trace trapezoid tri unfold unique unravel_index unsorted_segment_max
unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum unstack
vander var vdot vectorize vectorized_map view view_as_complex view_as_real vsplit vstack weighted_average
weighted_cross_entropy_with_logits weighted_moments where while_loop with_space_to_batch zero_fraction zeros zeta
"""
_OF_LAYERS = """
add batch_normalization concatenate dot dropout identity layer_normalization maximum minimum multiply reshape softmax
subtract
"""
"""Those that do what a layer does."""

_ALIASES = {
    "Add": "add_v2 bias_add",
    "AveragePool": "avg_pool avg_pool1d avg_pool2d avg_pool3d",
    "Concatenate": "concat concat_v2",
    "Conv": "conv1d conv2d conv3d convolution",
    "ConvTranspose": "conv1d_transpose conv2d_transpose conv3d_transpose",
    "DepthwiseConv": "depthwise_conv2d depthwise_conv2d_native",
    "FloorDivide": "floordiv",
    "GetItem": "getitem strided_slice",
    "HardSilu": "hard_swish hardswish",
    "Identity": "linear",
    "Isfinite": "is_finite",
    "Isinf": "is_inf",
    "Isnan": "is_nan",
    "Matmul": "mat_mul batch_mat_mul_v2 batch_mat_mul_v3",
    "MaxPool": "max_pool1d max_pool2d max_pool3d",
    "Multiply": "mul",
    "Negative": "neg",
    "Pad": "pad_v2",
    "Power": "pow",
    "Resize": "resize_bilinear",
    "SeparableConv": "separable_conv2d",
    "Silu": "swish",
    "Stack": "pack",
    "Subtract": "sub",
    "TrueDivide": "truediv div real_div",
    "WeightedAverage": "average",
}
"""Other names of functions, and of TensorFlow's operations, by the operation that they are."""


def camel(name: str) -> str:
    """An operation's kind from a function's name, as Keras names its own: `leaky_relu` is `LeakyRelu`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)


_GROUPS: tuple[tuple[str, Role, Rule | None, bool], ...] = (
    ("glu crelu", "activation", None, True),
    (_ACTIVATIONS, "activation", shapes.same, True),
    (_EACH_NUMBER, "other", shapes.same, True),
    (_TWO_NUMBERS, "other", shapes.broadcast, True),
    ("divide divide_no_nan true_divide", "join", shapes.broadcast, True),
    ("conv conv_transpose depthwise_conv separable_conv", "linear", None, False),
    ("matmul", "linear", shapes.multiplied, False),
    ("average_pool cropping expand_dims get_item max_pool pad resize squeeze transpose", "pass-through", None, False),
    ("cast", "pass-through", shapes.same, True),
    (_OTHERS, "other", None, False),
    (_OF_LAYERS, "other", None, False),
)
_NAMES = {camel(name): (name, *_ALIASES.get(camel(name), "").split()) for group in _GROUPS for name in group[0].split()}


def _rows() -> Iterator[Row]:
    yield Row("StopGradient", ("stop_gradient",), "pass-through", shapes.same, True, computes=(), multiplicative=True)
    for names, role, rule, keeps in _GROUPS:
        for name in map(camel, names.split()):
            yield Row(name, _NAMES[name], role, rule, keeps, multiplicative=name in ("Relu", "LeakyRelu"))


FUNCTIONS: dict[str, Row] = {row.name: row for row in _rows() if row.name not in LAYERS}
"""Every function that does what no layer does, by the kind of operation that it is."""


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()


_KINDS = {_squashed(alias): name for name, aliases in _ALIASES.items() for alias in aliases.split()}
_KINDS |= {_squashed(name): name for name in FUNCTIONS}


def operation(name: str) -> str:
    """The kind of operation that a function is, by its name or path: `tf.concat` is Concatenate.

    TensorFlow's operations and Keras's have names of classes: `ReLU` is Relu, `RealDiv` is TrueDivide.
    """
    last = name.rpartition(".")[2].strip("_")
    return _KINDS.get(_squashed(last)) or camel(last)


def names_of(kind: str) -> tuple[str, ...]:
    """The names of the functions that are this operation, Keras's own first: leaky_relu for LeakyRelu."""
    return _NAMES.get(kind, ())
