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
digamma erfc erfinv exp exp2 expm1 fabs flip floor i0 imag is_finite is_inf is_nan isfinite isinf isnan isneginf
isposinf isreal l2_normalize lgamma log log10 log1p log2 logical_not nan_to_num ndtri negative normalize ones_like
rad2deg real reciprocal reciprocal_no_nan rint rms_normalization roll round rsqrt saturate_cast sign signbit sin sinc
sinh sort sqrt square tan tril triu trunc zeros_like
"""
_TWO_NUMBERS = """
arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor equal floor_divide floormod
fmax fmin fmod gcd greater greater_equal heaviside hypot isclose lcm ldexp left_shift less less_equal logaddexp
logaddexp2 logical_and logical_or logical_xor mod multiply_no_nan nextafter not_equal power right_shift
squared_difference xdivy xlog1py xlogy
"""
_OTHERS = """
accumulate_n adaptive_average_pool adaptive_max_pool add_n all allclose amax amin any append arange argmax argmin
argpartition argsort array array_split associative_scan atrous_conv2d atrous_conv2d_transpose average_pool avg_pool1d
avg_pool2d avg_pool3d bartlett batch_normalization bias_add binary_crossentropy bincount blackman broadcast_to
categorical_crossentropy cdist cholesky cholesky_inverse cond confusion_matrix conv1d conv1d_transpose conv2d
conv2d_transpose conv3d conv3d_transpose conv_transpose convert_to_numpy convert_to_tensor convolution corrcoef
correlate count_nonzero cross ctc_decode ctc_loss cumprod cumsum custom_gradient depth_to_space depthwise_conv
depthwise_conv2d det diag diagflat diagonal diff digitize dilation2d dot_product_attention dsplit dstack dtype eig
eigh einsum embedding_lookup empty empty_like erosion2d extract_sequences eye fft fft2 fliplr flipud fold fori_loop
full full_like geomspace hamming hanning histogram hsplit hstack ifft2 in_top_k inner inv irfft is_tensor isin istft
jvp kaiser kron l2_loss layer_normalization linspace local_response_normalization logdet logspace logsumexp lrn lstsq
lu_factor map matrix_rank max max_pool1d max_pool2d max_pool3d max_pool_with_argmax mean median meshgrid min moments
moveaxis multi_hot nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod
nanquantile nanstd nansum nanvar ndim nonzero norm one_hot ones outer percentile pinv polar prod psnr ptp qr quantile
ravel rearrange reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_std
reduce_sum reduce_variance repeat rfft rot90 scan scatter scatter_update searchsorted segment_max segment_mean
segment_min segment_prod segment_sum select separable_conv separable_conv2d shape sigmoid_cross_entropy_with_logits
size slice slice_update slogdet softmax_cross_entropy_with_logits solve solve_triangular space_to_batch space_to_depth
sparse_categorical_crossentropy sparse_softmax_cross_entropy_with_logits split stack std stft sum svd swapaxes switch
take take_along_axis tensordot tile top_k trace trapezoid tri unfold unique unravel_index unsorted_segment_max
unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sum unstack vander var vdot
vectorize vectorized_map view view_as_complex view_as_real vsplit vstack weighted_moments where while_loop
weighted_average zero_fraction zeros
"""
_ALIASES = {
    "FloorDivide": ("floordiv",),
    "GetItem": ("getitem",),
    "Identity": ("linear",),
    "HardSilu": ("hard_swish", "hardswish"),
    "WeightedAverage": ("average",),
    "Multiply": ("mul",),
    "Negative": ("neg",),
    "Power": ("pow",),
    "Resize": ("resize_bilinear",),
    "Silu": ("swish",),
    "Subtract": ("sub",),
    "TrueDivide": ("truediv", "div"),
    "Concatenate": ("concat",),
}
"""Other names of functions, by the operation that they are."""


def camel(name: str) -> str:
    """An operation's kind from a function's name, as Keras names its own: `leaky_relu` is `LeakyRelu`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)


def _rows() -> Iterator[Row]:
    groups: tuple[tuple[str, Role, Rule | None, bool], ...] = (
        ("glu crelu", "activation", None, True),
        (_ACTIVATIONS, "activation", shapes.same, True),
        (_EACH_NUMBER, "other", shapes.same, True),
        (_TWO_NUMBERS, "other", shapes.broadcast, True),
        ("divide divide_no_nan true_divide", "join", shapes.broadcast, True),
        ("conv matmul", "linear", None, False),
        ("avg_pool cropping expand_dims get_item max_pool pad resize squeeze transpose", "pass-through", None, False),
        ("cast", "pass-through", shapes.same, True),
        (_OTHERS, "other", None, False),
    )
    yield Row("StopGradient", (), "pass-through", shapes.same, True, computes=())
    for names, role, rule, keeps in groups:
        for name in map(camel, names.split()):
            yield Row(name, _ALIASES.get(name, ()), role, rule, keeps)


FUNCTIONS: dict[str, Row] = {row.name: row for row in _rows() if row.name not in LAYERS}
"""Every function that does what no layer does, by the kind of operation that it is."""

_KINDS = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}


def operation(name: str) -> str:
    """The kind of operation that a function is, by its name or path: `tf.concat` is Concatenate."""
    last = name.rpartition(".")[2].strip("_")
    return _KINDS.get(last) or camel(last)
