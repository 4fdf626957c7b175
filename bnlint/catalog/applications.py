"""The networks of keras.applications."""

from __future__ import annotations

from typing import NamedTuple


class Application(NamedTuple):
    """A family of networks, by the prefix of their constructors' names; `batchnorm`: they hold batch normalization."""

    name: str
    batchnorm: bool = True
    aliases: tuple[str, ...] = ()


APPLICATIONS = (
    *map(Application, ("ResNet", "MobileNet", "DenseNet", "EfficientNet", "Inception", "Xception", "NASNet", "RegNet")),
    Application("VGG", batchnorm=False),
    Application("ConvNeXt", batchnorm=False),
)

WITH_BATCHNORM = tuple(application.name for application in APPLICATIONS if application.batchnorm)
"""Prefixes of those that hold batch normalization."""

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
