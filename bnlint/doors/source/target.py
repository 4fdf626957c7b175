"""Which Keras a file is written for."""

from __future__ import annotations

import pathlib
import re

_KERAS_2 = re.compile(
    r"\btf_keras\b|TF_USE_LEGACY_KERAS|\bnb_epoch\b|\bnb_filter\b|\btf\.layers\.|tf\.contrib\b|tensorflow\.contrib\b|tf\.Session\(|"
    r"\.fit_generator\(|\.predict_generator\(|keras\.layers\.(core|normalization|convolutional|advanced_activations|pooling|embeddings|recurrent|merge)\b|"
    r"keras\.utils\.np_utils|\.layers\.experimental\.|tensorflow\.python\.keras|keras\.preprocessing\.image import|tf\.placeholder\(|"
    r"keras\.optimizers\.legacy|keras\.wrappers\.scikit_learn|set_learning_phase"
)


def keras_of(text: str, target: str, file: pathlib.Path | None) -> tuple[int, str]:
    """The major version of Keras, and why: as asked, as the code shows by what only Keras 1 and 2 have, else 3."""
    if target != "auto":
        return int(target.split(".")[0]), "--target-keras"
    found = _KERAS_2.search(text)
    if found:
        return 2, f"the code has {found.group(0)}"
    return 3, "the default"
