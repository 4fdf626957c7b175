"""The vocabulary: what kinds of layers and operations do to a tensor."""

from __future__ import annotations

BATCH_NORMALIZATIONS = frozenset(
    {"BatchNormalization", "SyncBatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"}
)

LINEAR = frozenset(
    {
        "Dense",
        "EinsumDense",
        "LocallyConnected1D",
        "LocallyConnected2D",
        *(
            f"{prefix}Conv{rank}D{suffix}"
            for prefix in ("", "Separable", "Depthwise")
            for rank in (1, 2, 3)
            for suffix in ("", "Transpose")
        ),
        "Convolution1D",
        "Convolution2D",
        "Convolution3D",
        "Deconvolution2D",
        "SeparableConvolution2D",
        "Convolution2DTranspose",
        "AtrousConvolution2D",
        "Matmul",
        "Conv",
    }
)

DROPOUTS = frozenset(
    {"Dropout", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout"}
)
"""GaussianDropout multiplies by noise of mean 1: the same shift of variance."""

RECURRENT = frozenset(
    {
        "LSTM",
        "GRU",
        "SimpleRNN",
        "RNN",
        "CuDNNLSTM",
        "CuDNNGRU",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "Bidirectional",
    }
)

ACTIVATIONS = frozenset(
    {
        "Activation",
        "ReLU",
        "LeakyReLU",
        "PReLU",
        "ELU",
        "ThresholdedReLU",
        "Softmax",
        *(
            "Relu",
            "Relu6",
            "LeakyRelu",
            "Elu",
            "Selu",
            "Gelu",
            "Silu",
            "Swish",
            "Mish",
            "Sigmoid",
            "HardSigmoid",
            "HardSilu",
            "Tanh",
        ),
        *(
            "Softplus",
            "Softsign",
            "Crelu",
            "LogSoftmax",
            "LogSigmoid",
            "Celu",
            "Glu",
            "HardTanh",
            "Hardswish",
            "Exponential",
            "Erf",
        ),
        *("SparsePlus", "SoftShrink", "HardShrink", "TanhShrink", "SquarePlus", "Sparsemax", "Threshold"),
    }
)

PASS_THROUGH = frozenset(
    {
        *(f"{pool}{rank}D" for pool in ("MaxPooling", "AveragePooling", "MaxPool", "AvgPool") for rank in (1, 2, 3)),
        *(
            f"Global{pool}{rank}D"
            for pool in ("MaxPooling", "AveragePooling", "MaxPool", "AvgPool")
            for rank in (1, 2, 3)
        ),
        *(f"{name}{rank}D" for name in ("Cropping", "UpSampling", "ZeroPadding") for rank in (1, 2, 3)),
        *("AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D", "MaxPool", "AvgPool"),
        *(
            "Flatten",
            "Permute",
            "Reshape",
            "Identity",
            "GaussianNoise",
            "Concatenate",
            "RepeatVector",
            "ActivityRegularization",
        ),
        *(
            "Masking",
            "Pad",
            "Resize",
            "Transpose",
            "ExpandDims",
            "Squeeze",
            "StopGradient",
            "Cast",
            "Cropping",
            "GetItem",
        ),
    }
)

JOINS = frozenset({"Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Dot", "TrueDivide", "Divide"})

WRAPPERS = frozenset({"TimeDistributed", "SpectralNormalization", "Bidirectional", "WeightNormalization"})

OUTPUT_ACTIVATIONS = frozenset({"softmax", "sigmoid", "tanh", "log_softmax", "hard_sigmoid"})

IDENTITY_ACTIVATIONS = frozenset({"linear", ""})

BATCHNORM_APPLICATIONS = (
    "ResNet",
    "MobileNet",
    "DenseNet",
    "EfficientNet",
    "Inception",
    "Xception",
    "NASNet",
    "RegNet",
)
"""Prefixes of the keras.applications that hold batch normalization; VGG and ConvNeXt do not."""

APPLICATIONS = (*BATCHNORM_APPLICATIONS, "VGG", "ConvNeXt")

LAST_BATCHNORM = {
    "DenseNet121": 425,
    "DenseNet169": 593,
    "DenseNet201": 705,
    "EfficientNetB0": 235,
    "EfficientNetB1": 337,
    "EfficientNetB2": 337,
    "EfficientNetB3": 382,
    "EfficientNetB4": 472,
    "EfficientNetB5": 574,
    "EfficientNetB6": 664,
    "EfficientNetB7": 811,
    "EfficientNetV2B0": 268,
    "EfficientNetV2B1": 332,
    "EfficientNetV2B2": 347,
    "EfficientNetV2B3": 407,
    "EfficientNetV2S": 511,
    "EfficientNetV2M": 738,
    "EfficientNetV2L": 1026,
    "InceptionResNetV2": 778,
    "InceptionV3": 305,
    "MobileNet": 84,
    "MobileNetV2": 152,
    "MobileNetV3Large": 185,
    "MobileNetV3Small": 155,
    "NASNetMobile": 761,
    "ResNet50": 172,
    "ResNet101": 342,
    "ResNet152": 512,
    "ResNet50V2": 188,
    "ResNet101V2": 375,
    "ResNet152V2": 562,
    "Xception": 130,
}
"""At which index of `layers` an application of Keras 3 has its last batch normalization; the first stands at 2 to 5.

Not NASNetLarge: there it depends on the shape of the input.
"""
