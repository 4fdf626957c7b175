"""Work spread over processes, any of which may die without taking the run along."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Method = Literal["fork", "spawn"]

CHUNK = 4


class _Worker:
    def __init__(self, start: Callable[[], Callable[[T], R]], others: list[_Worker], method: Method) -> None:
        context = multiprocessing.get_context(method)
        self.connection, theirs = context.Pipe()
        held = [self.connection, *(other.connection for other in others)] if method == "fork" else []
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, start, held), daemon=True)  # type: ignore[attr-defined]
        self.process.start()
        theirs.close()
        self.ready = False
        self.pending: deque[int] = deque()

    def give(self, chunk: list[int], tasks: Sequence[object]) -> None:
        self.pending.extend(chunk)
        with suppress(OSError):  # A dead worker is noticed when its answer is waited for.
            self.connection.send([(index, tasks[index]) for index in chunk])

    def answer(self) -> tuple[int, Any] | str | None:
        """A task's index and result; None when the process is ready for tasks; how it died, where it has."""
        try:
            answer: tuple[int, Any] | None = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(1)
            return _death(self.end())
        self.ready = True
        return answer

    def end(self) -> int:
        """Stop the process, and return its exit code."""
        self.connection.close()
        self.process.terminate()
        self.process.join()
        return self.process.exitcode or 0


def spread(
    tasks: Sequence[T],
    start: Callable[[], Callable[[T], R]],
    lost: Callable[[T, str], R],
    jobs: int,
    method: Method,
) -> Iterator[tuple[int, R]]:
    """Each task's index and result, as they come.

    Every process calls `start` once and then the function it returns for each task. Where a process dies, `lost` is
    asked for the result of the task it was at, and another process takes on the rest. Where none can be started, the
    rest is left to the caller. With "spawn", `start`, tasks and results must be picklable.
    """
    size = max(1, min(CHUNK, len(tasks) // (4 * jobs)))
    queue = deque(list(range(begin, min(begin + size, len(tasks)))) for begin in range(0, len(tasks), size))
    workers: list[_Worker] = []
    try:
        while queue or workers:
            while queue and len(workers) < jobs:
                try:
                    with _uninterrupted():
                        workers.append(_Worker(start, workers, method))
                except OSError:  # The system gives no more processes.
                    jobs = len(workers)
                    break
                workers[-1].give(queue.popleft(), tasks)
            if not workers:
                return
            ready = wait([worker.connection for worker in workers])
            for worker in [worker for worker in workers if worker.connection in ready]:
                answer = worker.answer()
                if isinstance(answer, str):
                    workers.remove(worker)
                    if not worker.ready:
                        jobs -= 1
                    else:
                        index = worker.pending.popleft()
                        yield index, lost(tasks[index], answer)
                    if worker.pending:
                        queue.appendleft(list(worker.pending))
                elif answer is not None:
                    index, result = answer
                    worker.pending.remove(index)
                    if not worker.pending and queue:
                        worker.give(queue.popleft(), tasks)
                    elif not worker.pending:
                        workers.remove(worker)
                        worker.end()
                    yield index, result
    finally:
        for worker in workers:
            worker.end()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """An interrupt waits: in the middle of a start, there would be a process that nobody knows of, and nobody ends."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, start: Callable[[], Callable[[object], object]], held: list[Connection]) -> None:
    """A worker: answers each task in turn, until the other side hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for other in held:  # Inherited ends would keep this process's siblings from noticing that the parent has gone.
        other.close()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work = start()
        connection.send(None)
        while True:
            for index, task in connection.recv():
                connection.send((index, work(task)))


def _death(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
        return f"killed by signal {-code}"
    return f"exit code {code}"
