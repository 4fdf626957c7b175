"""Pictures of models: what they show is what the graph says, wherever it is folded, and nothing hides anything."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import drawn
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import bnlint
from bnlint.cli.main import main
from bnlint.doors import source
from bnlint.findings import Finding, Place, Severity
from bnlint.graph import Program
from bnlint.graph.picture import Form, Scene, Shown
from bnlint.graph.picturing import scenes_of
from bnlint.graph.view import models_of
from bnlint.reporters.picture import render
from bnlint.reporters.picture.folding import folds

CHECKOUT = Path(__file__).parents[1]
PROGRAMS = sorted((CHECKOUT / "fixtures" / "programs").glob("*.py"))

APPLICATIONS = {
    "resnet": ("ResNet50", "ResNet152"),
    "densenet": ("DenseNet201",),
    "efficientnet": ("EfficientNetB7",),
    "inception_v3": ("InceptionV3",),
    "inception_resnet_v2": ("InceptionResNetV2",),
    "mobilenet_v3": ("MobileNetV3Large",),
    "nasnet": ("NASNetLarge",),
    "convnext": ("ConvNeXtTiny",),
}
needs_keras = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="needs keras")


def application(file: str) -> str:
    """The source of models in the installed Keras; it is read, never imported."""
    spec = importlib.util.find_spec("keras")
    assert spec is not None and spec.origin is not None
    return str(Path(spec.origin).parent / "src" / "applications" / f"{file}.py")


def graph(*arguments: str) -> str:
    """What `bnlint graph` prints."""
    done = CliRunner().invoke(main, ["graph", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def models(text: str) -> list[dict[str, Any]]:
    """The graph of a text's models as JSON shows it."""
    return drawn_of(source.evaluate(text, "net.py"))


def drawn_of(program: Program) -> list[dict[str, Any]]:
    """The models of a program, without its own layers, which no picture shows."""
    entries: list[dict[str, Any]] = models_of(program)
    return [entry for entry in entries if entry["style"] != "layer"]


def picture(text: str, findings: Sequence[Finding] = ()) -> list[drawn.Model]:
    """The picture of a text's models, read back."""
    scenes = scenes_of(source.evaluate(text, "net.py"), {finding.place for finding in findings})
    return [sound(model) for model in drawn.read(render(scenes, findings))]


def shows(model: drawn.Model, nodes: list[dict[str, Any]], outputs: list[int]) -> None:
    """A picture has the nodes, the edges and the outputs of a graph, all of them and no others."""
    kinds, edges = model.unfolded()
    assert kinds == {node["id"]: node["kind"] for node in nodes}
    assert edges == Counter((number, node["id"]) for node in nodes for number in node["inputs"])
    assert sorted(number for number, _, _, _ in model.ends) == sorted(outputs)


def sound(model: drawn.Model) -> drawn.Model:
    """The picture itself: lines begin and end at their nodes and pass behind no other; no node lies on another."""
    boxes = {**model.places, **{-1 - number: place for number, place in model.outputs.items()}}
    numbers = sorted(boxes, key=lambda number: boxes[number][1])
    for place, one in enumerate(numbers):
        for other in numbers[place + 1 :]:
            if boxes[other][1] >= boxes[one][3]:
                break
            a, b = boxes[one], boxes[other]
            assert a[2] <= b[0] or b[2] <= a[0], f"{one} and {other} overlap"
    lines = [(start, target, way) for start, target, way, _ in model.edges]
    lines += [(start, -1 - output, way) for start, output, way, _ in model.ends]
    for start, target, way in lines:
        block = next((b for b in model.blocks if b.first <= start < b.first + b.size * b.times), None)
        begin = boxes[(start - block.first) % block.size + block.first if block else start]
        end = boxes[target]
        assert begin[0] <= way[0][0] <= begin[2] and abs(way[0][1] - begin[3]) < 0.2
        assert end[0] <= way[-1][0] <= end[2] and abs(way[-1][1] - end[1]) < 0.2
        assert all(a[1] <= b[1] + 0.1 for a, b in pairwise(way)), "a line goes up"
        for number, box in boxes.items():
            for (x, y), (_, to) in pairwise(way):
                hidden = box[0] + 0.2 < x < box[2] - 0.2 and y < box[3] - 0.2 and box[1] + 0.2 < to
                assert not hidden, f"the line from {start} to {target} passes behind {number}"
    for block in model.blocks:
        for number, box in model.places.items():
            inside = block.frame[0] <= box[0] and box[2] <= block.frame[2]
            inside = inside and block.frame[1] <= box[1] and box[3] <= block.frame[3]
            apart = box[3] <= block.frame[1] or box[1] >= block.frame[3]
            apart = apart or box[2] <= block.frame[0] or box[0] >= block.frame[2]
            assert inside if model.block(number) is block else apart
    return model


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_s_picture_is_its_graph(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    seen = models(text)
    found = picture(text)
    assert [model.name for model in found] == [model["name"] for model in seen] and found
    for model, expected in zip(found, seen, strict=True):
        shows(model, expected["nodes"], expected["outputs"])


@needs_keras
@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in APPLICATIONS.items() for name in names])
def test_an_application_s_picture_is_its_graph(file: str, name: str) -> None:
    scenes = scenes_of(source.evaluate_entry(Path(application(file)).read_text(), "net.py", f"{name}(weights=None)"))
    program = source.evaluate_entry(Path(application(file)).read_text(), "net.py", f"{name}(weights=None)")
    found = [sound(model) for model in drawn.read(render(scenes))]
    for model, expected in zip(found, drawn_of(program), strict=True):
        shows(model, expected["nodes"], expected["outputs"])
    whole = len(found[-1].unfolded()[0])
    assert whole > 100 and (name == "NASNetLarge" or len(found[-1].kinds) < 0.8 * whole)


@needs_keras
def test_resnet50_by_the_command() -> None:
    (model,) = drawn.read(graph(application("resnet"), "--entry", "ResNet50(weights=None)", "--format", "svg"))
    sound(model)
    kinds, edges = model.unfolded()
    assert Counter(kinds.values()) == {
        "InputLayer": 1,
        "ZeroPadding2D": 2,
        "Conv2D": 53,
        "BatchNormalization": 53,
        "Activation": 49,
        "MaxPooling2D": 1,
        "Add": 16,
        "GlobalAveragePooling2D": 1,
        "Dense": 1,
    }
    assert edges.total() == 177 - 1 + 16
    assert [block.times for block in model.blocks] == [2, 3, 5, 2]
    assert len(model.kinds) == 97


def test_the_same_model_gives_the_same_bytes() -> None:
    text = PROGRAMS[-1].read_text(encoding="utf-8")
    pictures = set()
    for seed in ("0", "1"):
        code = f"import bnlint, sys; sys.stdout.write(bnlint.draw({str(PROGRAMS[-1])!r}, config={{}}))"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-c", code]
        pictures.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(pictures) == 1 and text


FORMS: tuple[Form, ...] = ("linear", "batchnorm", "activation", "join", "dropout", "other")


@st.composite
def series(draw: st.DrawFn) -> Scene:
    """A model of repeated blocks, with skips, inputs that all copies take, and now and then something else."""
    inputs: list[tuple[int, ...]] = [(), ()]
    forms: list[Form] = ["input", "input"]
    for _ in range(draw(st.integers(1, 3))):
        block = draw(
            st.lists(
                st.tuples(st.sampled_from(FORMS), st.lists(st.integers(1, 6), min_size=1, max_size=2), st.booleans()),
                min_size=1,
                max_size=6,
            )
        )
        shared = draw(st.integers(0, len(forms) - 1))
        for _ in range(draw(st.integers(1, 12))):
            for form, steps, each in block:
                here = len(forms)
                inputs.append((*(max(here - step, 0) for step in steps), *([shared] if each else [])))
                forms.append(form)
        if draw(st.booleans()):
            inputs.append((draw(st.integers(0, len(forms) - 1)), len(forms) - 1))
            forms.append("join")
    nodes = tuple(
        Shown(n, form.title(), form, inputs=taken, branched=(False,) * len(taken))
        for n, (form, taken) in enumerate(zip(forms, inputs, strict=True))
    )
    outputs = [*draw(st.lists(st.integers(0, len(nodes) - 1), max_size=2)), len(nodes) - 1]
    return Scene("net", "functional", Place("net.py"), nodes, tuple((number,) for number in outputs))


@settings(max_examples=150)
@given(series())
def test_any_series_of_blocks_unfolds_to_itself(scene: Scene) -> None:
    (model,) = drawn.read(render([scene]))
    sound(model)
    nodes = [{"id": node.number, "kind": node.kind, "inputs": node.inputs} for node in scene.nodes]
    shows(model, nodes, [number for (number,) in scene.outputs])


def chain(count: int, *, kinds: Sequence[str] = ("Dense", "BatchNormalization", "ReLU"), **more: Any) -> list[Shown]:
    """Blocks one after the other behind an input."""
    nodes = [Shown(0, "InputLayer", "input")]
    for _ in range(count):
        for kind in kinds:
            nodes.append(Shown(len(nodes), kind, "linear", inputs=(len(nodes) - 1,), branched=(False,), **more))
    return nodes


def test_a_long_chain_is_folded_and_a_short_one_is_not() -> None:
    (fold,) = folds(chain(20), [60])
    assert (fold.first, fold.size, fold.times, fold.exit) == (1, 3, 20, 2)
    assert folds(chain(9), [27]) == []


def test_blocks_that_differ_in_what_is_shown_are_not_one() -> None:
    nodes = chain(20)
    nodes[31] = Shown(31, "Dense", "linear", settings=("64",), inputs=(30,), branched=(False,))
    found = folds(nodes, [60])
    assert len(found) == 2 and all(not fold.first <= 31 < fold.end for fold in found)


def test_what_leaves_the_middle_of_a_series_is_not_hidden() -> None:
    """A skip out of one of the copies: that copy is shown."""
    nodes = chain(20)
    nodes.append(Shown(61, "Add", "join", inputs=(60, 29), branched=(False, False)))
    assert all(not fold.first <= 29 < fold.end or fold.end == 30 for fold in folds(nodes, [61]))
    (model,) = drawn.read(render([Scene("net", "functional", Place("a.py"), tuple(nodes), ((61,),))]))
    assert model.unfolded()[1][29, 61] == 1


@pytest.mark.parametrize(
    "second",
    [
        lambda copy: max(0, 2 * (copy - 9)),  # the same for ten copies, then the node before the last
        lambda copy: 1,  # a node of the first copy
        lambda copy: 2 * (copy // 2),  # by turns
    ],
)
def test_copies_that_take_differently_are_not_one(second: Callable[[int], int]) -> None:
    nodes = chain(20, kinds=("Dense", "Add"))
    for copy in range(20):
        number = 2 + 2 * copy
        nodes[number] = Shown(number, "Add", "linear", inputs=(number - 1, second(copy)), branched=(False, False))
    (model,) = drawn.read(render([Scene("net", "functional", Place("a.py"), tuple(nodes), ((40,),))]))
    shows(model, [{"id": node.number, "kind": node.kind, "inputs": node.inputs} for node in nodes], [40])


def test_what_all_copies_take_is_not_what_the_first_one_is_handed() -> None:
    """Each block adds the input, which the first block also begins with: that one is not folded."""
    nodes = chain(20, kinds=("Dense", "Add"))
    for number in range(2, 41, 2):
        nodes[number] = Shown(number, "Add", "join", inputs=(number - 1, 0), branched=(False, False))
    (fold,) = folds(nodes, [40])
    assert (fold.first, fold.size, fold.times) == (3, 2, 19)
    (model,) = drawn.read(render([Scene("net", "functional", Place("a.py"), tuple(nodes), ((40,),))]))
    shows(model, [{"id": node.number, "kind": node.kind, "inputs": node.inputs} for node in nodes], [40])


def test_rates_of_folded_dropouts_are_a_range() -> None:
    nodes = [Shown(0, "InputLayer", "input")]
    for block in range(20):
        nodes.append(Shown(len(nodes), "Dense", "linear", inputs=(len(nodes) - 1,), branched=(False,)))
        rate = 0.01 * (block + 1)
        nodes.append(Shown(len(nodes), "Dropout", "dropout", rate=rate, inputs=(len(nodes) - 1,), branched=(False,)))
    (model,) = drawn.read(render([Scene("net", "functional", Place("a.py"), tuple(nodes), ((40,),))]))
    assert model.texts[2] == "Dropout 0.01 to 0.2" and model.blocks[0].times == 20


NET = """import keras
from keras import layers

model = keras.Sequential([
    keras.Input((784,)),
    layers.Dense(256, activation="relu"),
    layers.Dropout(0.5),
    layers.BatchNormalization(momentum=0.1),
    layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
(x, y), _ = keras.datasets.mnist.load_data()
model.fit(x.reshape(-1, 784) / 255, y, batch_size=8)
"""


def test_findings_stand_at_their_nodes_and_else_at_the_model(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(NET, encoding="utf-8")
    svg = graph(str(tmp_path / "train.py"), "--format", "svg")
    (model,) = drawn.read(svg)
    named = {model.kinds[number]: remarks for number, remarks in model.remarks.items() if remarks}
    assert named == {"Dropout": ["dropout-before-batchnorm"], "BatchNormalization": ["pytorch-momentum"]}
    rules = [element.get("data-rule") for element in ElementTree.fromstring(svg).iter() if element.get("data-rule")]
    assert sorted(filter(None, rules)) == ["dropout-before-batchnorm", "pytorch-momentum", "tiny-batch"]


def test_what_is_silenced_is_not_marked(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        NET.replace("Dropout(0.5),", "Dropout(0.5),  # bnlint: ignore"), encoding="utf-8"
    )
    (model,) = drawn.read(bnlint.draw(tmp_path / "train.py", ignore=["batch"], config={}))
    assert not any(model.remarks.values())


def test_training_flags_and_branches_are_shown() -> None:
    (model,) = picture(
        """import keras
from keras import layers
inputs = keras.Input((4,))
x = layers.BatchNormalization()(layers.Dense(8)(inputs), training=False)
if unknown():
    x = layers.ReLU()(x)
x = layers.Dropout(0.1)(x, training=flag)
model = keras.Model(inputs, x)
"""
    )
    said = {model.kinds[number]: remarks for number, remarks in model.remarks.items()}
    assert said["BatchNormalization"] == ["training=False"] and said["Dropout"] == ["training=…"]
    branched = {(model.kinds[a], model.kinds[b]) for a, b, _, classes in model.edges if "branched" in classes}
    assert branched == {("BatchNormalization", "ReLU"), ("BatchNormalization", "Dropout"), ("ReLU", "Dropout")}


def test_a_finding_of_some_copies_says_of_how_many() -> None:
    place = Place("net.py", None, 7)
    finding = Finding("tiny-batch", "batch", Severity.ERROR, place, "small")
    nodes = chain(20)
    for number in (1, 4, 7):
        node = nodes[number]
        nodes[number] = Shown(
            number, "Dense", "linear", inputs=node.inputs, branched=(False,), places=frozenset({place})
        )
    (model,) = drawn.read(render([Scene("net", "functional", place, tuple(nodes), ((60,),))], [finding]))
    assert model.remarks[1] == ["tiny-batch (3 of 20)"]


EVIL = "</title><script>alert(1)</script>&\"'\x00\u202e]]>"


def test_names_from_a_file_stay_text() -> None:
    text = f"import keras\nkeras.Sequential([keras.Input((3,), name={EVIL!r}), keras.layers.Dense(3, name={EVIL!r})],"
    text += f" name={EVIL!r})\n"
    svg = render(scenes_of(source.evaluate(text, f"{EVIL}.py")))
    root = ElementTree.fromstring(svg)
    assert not [element.tag for element in root.iter() if "script" in element.tag]
    assert "\u202e" not in svg and "\x00" not in svg and "<script" not in svg
    assert "alert(1)" in svg


def test_a_file_without_models_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import keras\n")
    assert "no model was found" in graph(str(tmp_path / "a.py"), "--format", "svg")


def test_a_notebook_is_drawn(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": part} for part in NET.split("\n\n")]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}), encoding="utf-8")
    svg = graph(str(tmp_path / "a.ipynb"), "--format", "svg")
    (model,) = drawn.read(svg)
    assert model.remarks[2] == ["dropout-before-batchnorm"] and re.search(r"a\.ipynb:cell 2:\d+:9", svg)


SAVE = """
import sys, keras, bnlint
from keras import layers
x = inputs = keras.Input((16, 16, 3))
for n in range(9):
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x)))
    x = layers.Add()([x, y]) if n else y
model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
model.save("net.keras")
sys.stdout.write(bnlint.draw(model, config={}))
"""


@pytest.mark.slow
@needs_keras
def test_a_model_in_memory_and_a_saved_one_are_drawn_alike(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": str(CHECKOUT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-c", SAVE]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    (live,), (saved,) = drawn.read(done.stdout), drawn.read(bnlint.draw(tmp_path / "net.keras", config={}))
    assert sound(live).unfolded() == sound(saved).unfolded()
    assert live.blocks[0].times == 8 and "redundant-bias" in live.remarks[1]


def test_a_model_without_known_layers_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import keras\nbase = keras.applications.ResNet50()\nbase.summary()\n")
    assert "its layers are not known" in graph(str(tmp_path / "a.py"), "--format", "svg")


def test_draw_gives_what_a_notebook_shows(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(NET)
    shown = bnlint.draw(str(tmp_path / "a.py"), config={})
    assert shown._repr_svg_() == str(shown) and shown.startswith("<svg")
    with pytest.raises(ValueError, match="no such file"):
        bnlint.draw(tmp_path / "none.py", config={})
    with pytest.raises(TypeError):
        bnlint.draw(3, entry="x", config={})


def test_without_igraph_one_line_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text(PROGRAMS[-1].read_text(encoding="utf-8"))
    monkeypatch.setitem(sys.modules, "igraph", None)
    done = CliRunner().invoke(main, ["graph", str(tmp_path / "a.py"), "--format", "svg"])
    assert done.exit_code == 2
    assert done.output.splitlines()[-1] == "Error: pictures of models need igraph: pip install 'bnlint[plots]'"
