"""The networks of keras.applications."""

from __future__ import annotations

from typing import NamedTuple


class Application(NamedTuple):
    """A family of networks: the prefix of their constructors' names, those names, and whether they hold batch norms."""

    name: str
    aliases: tuple[str, ...]
    batchnorm: bool


_NETWORKS = """
ResNet 50:172 101:342 152:512 50V2:188 101V2:375 152V2:562
MobileNet :84 V2:152 V3Large:185 V3Small:155
DenseNet 121:425 169:593 201:705
EfficientNet B0:235 B1:337 B2:337 B3:382 B4:472 B5:574 B6:664 B7:811
EfficientNetV2 B0:268 B1:332 B2:347 B3:407 S:511 M:738 L:1026
Inception ResNetV2:778 V3:305
Xception :130
NASNet Mobile:761 Large
ResNetRS 50 101 152 200 270 350 420
RegNetX 002 004 006 008 016 032 040 064 080 120 160 320
RegNetY 002 004 006 008 016 032 040 064 080 120 160 320
VGG 16:- 19:-
ConvNeXt Tiny:- Small:- Base:- Large:- XLarge:-
"""
"""The families, and what each network's name has behind the family's; then at which index of `layers` it has its last
batch normalization in Keras 3, the first standing at 2 to 5: `-` for none, nothing where Keras 3 has not the network,
or where that depends on the shape of the input.
"""

_SPLIT = {
    family: [(family + rest, last) for rest, _, last in (word.partition(":") for word in networks)]
    for family, *networks in map(str.split, _NETWORKS.strip().splitlines())
}

APPLICATIONS = tuple(
    Application(family, tuple(name for name, _ in networks), all(last != "-" for _, last in networks))
    for family, networks in _SPLIT.items()
)

WITH_BATCHNORM = tuple(application.name for application in APPLICATIONS if application.batchnorm)
"""Prefixes of those that hold batch normalization."""

LAST_BATCHNORM = {name: int(last) for networks in _SPLIT.values() for name, last in networks if last.isdigit()}
"""At which index of `layers` an application of Keras 3 has its last batch normalization, where that is known."""
