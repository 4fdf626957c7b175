"""A callback that checks a model when its training begins, and tells how its moving statistics converge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TextIO

from ..doors.live.objects import iterations_of
from ..doors.live.training import Training
from ..findings import Severity
from ..reporters.report import FindingsError, Report
from ..run.engine import run_model
from ..run.plan import Keywords, Request, asks
from .convergence import Convergence, Statistics, line_of, table_of
from .fitting import training_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

_P = ParamSpec("_P")


def _harmless(hook: Callable[Concatenate[Watch, _P], None]) -> Callable[Concatenate[Watch, _P], None]:
    """A hook that ends a training only where that is asked for; what else it raises is told, and ends the watch."""

    @wraps(hook)
    def run(self: Watch, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        if not self.works:
            return
        try:
            hook(self, *args, **kwargs)
        except FindingsError:
            raise
        except Exception as error:
            self.works = False
            said = " ".join(str(error).split())[:300]
            self.say(f"bnlint does not watch this training: {type(error).__name__}: {said}")

    return run


class Watch:
    """A callback for `fit`, of Keras 3 and of tf_keras: `model.fit(x, y, callbacks=[bnlint.Watch()])`.

    When training begins, the model is checked together with the batch size, the steps and the distribution strategy it
    is trained with, and what is found is printed. At the end of each epoch a line tells how far the moving statistics
    are. Neither changes the model, random numbers, or the logs. It is of no class of Keras, which asks for none: either
    library calls the methods it finds.

    show: print findings from this severity on: "error", "warning" or "advice"; None: print none. fail_on: raise
    FindingsError for findings from this severity on, before the first step, or after it where that builds the model;
    None: never. verbose: what is printed at the end of an epoch: 0 nothing, 1 a line, 2 a line for each batch
    normalization; None: 1 unless `fit` itself is silent. file: where to print; None for the standard output.
    batch_size: for data that come in batches of a size that cannot be seen, as from generators. The other keywords are
    those of `check_model`, and so are the errors.

    `report` is the last Report; `convergence` has, for each epoch, a Convergence for each trainable batch
    normalization; `works` is False once an error has ended the watch.
    """

    async_safe = True
    _supports_tf_logs = True

    @asks
    def __init__(
        self,
        *,
        show: Severity | str | None = Severity.WARNING,
        fail_on: Severity | str | None = None,
        verbose: int | None = None,
        file: TextIO | None = None,
        batch_size: int | None = None,
        **asked: Unpack[Keywords],
    ) -> None:
        self._plan = Request(**asked).plan()
        self._show, self._fail_on = (Severity.parse(one) if isinstance(one, str) else one for one in (show, fail_on))
        self._verbose, self._file, self._batch_size = verbose, file, batch_size
        self._training = Training()
        self._statistics: Statistics | None = None
        self._iterations = 0
        self._progress: str | None = None
        self.works = True
        self.model: Any = None
        self.params: Mapping[str, Any] = {}
        self.report: Report | None = None
        self.convergence: list[list[Convergence]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Whatever else Keras may call: there is nothing to do."""
        if name.startswith(("on_", "_implements_")):
            return _nothing
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def set_model(self, model: Any) -> None:
        """Take the model that is trained."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take the number of epochs and steps, and whether `fit` is silent."""
        self.params = params

    def _implements_train_batch_hooks(self) -> bool:
        """Whether tf_keras is to call `on_train_batch_begin`: only for a model that its first batch will build."""
        return not getattr(self.model, "built", True)

    @_harmless
    def on_train_begin(self, logs: Any = None) -> None:
        """Check the model, if it is built."""
        self.convergence, self._progress, self._statistics = [], None, None
        self._iterations = iterations_of(self.model) or 0
        training = training_of(self.model, self.params)
        self._training = replace(training, batch_size=self._batch_size or training.batch_size)
        if self.model.built:
            self._check()

    @_harmless
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Check a model that the first batch has built; `on_train_batch_end` may be called in another thread."""
        self._check_built()

    @_harmless
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Say what the epoch before has come to, now that the line with its progress has ended."""
        self._say_progress()

    @_harmless
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """See where the moving statistics are; check a model that the epoch's only batch has built."""
        self._check_built()
        iterations = iterations_of(self.model) or 0
        found: list[Convergence] = []
        if self._statistics is not None:
            found = self._statistics.after(self.params.get("steps") or iterations - self._iterations)
        self._iterations = iterations
        self.convergence.append(found)
        loud = self._verbose if self._verbose is not None else int(self.params.get("verbose") != 0)
        if found and loud:
            self._progress = table_of(epoch, found) if loud > 1 else line_of(epoch, found)

    @_harmless
    def on_train_end(self, logs: Any = None) -> None:
        """Say what the last epoch has come to."""
        self._say_progress()

    def say(self, shown: str | Report) -> None:
        """Print something with rich."""
        from rich.console import Console

        Console(file=self._file).print(shown, markup=False, highlight=False, soft_wrap=True)

    def _say_progress(self) -> None:
        if self._progress is not None:
            self.say(self._progress)
            self._progress = None

    def _check_built(self) -> None:
        if self._statistics is None and self.model.built:
            self._training = replace(self._training, begun=True)
            self._check()

    def _check(self) -> None:
        """Check the model as it is trained, and say what is found unless that has been said before."""
        before = self.report
        self._statistics = Statistics(self.model)
        self.report = report = Report.of(run_model(self._plan, self.model, training=self._training))
        worst = report.worst()
        if self._fail_on is not None and worst is not None and worst >= self._fail_on:
            raise FindingsError(report)
        shown = [finding for finding in report if self._show is not None and finding.severity >= self._show]
        known = {*before.findings, *before.failures} if before is not None else set()
        if not known.issuperset((*shown, *report.failures)):
            self.say(replace(report, findings=shown))


def _nothing(*args: Any, **kwargs: Any) -> None:
    """A hook that does nothing; of those that ask whether there is something to do, a no."""
