"""Progress on a terminal: finished steps above, the running one with a spinner or a bar below."""

from __future__ import annotations

from collections import deque

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from deploy_kit.cli.output.findings import sentence
from deploy_kit.cli.output.plain import step_name
from deploy_kit.cli.output.text import seconds
from deploy_kit.messages import Catalogue
from deploy_kit.progress import Event, EventKind

_TAIL = 20


class Bars:
    """A live display. Raw tool output is shown a line at a time; when a step fails, its last lines are printed."""

    def __init__(self, words: Catalogue, console: Console | None = None) -> None:
        self._words = words
        self._console = console or Console(stderr=True, highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}", markup=True),
            console=self._console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._name = ""
        self._tail: deque[str] = deque(maxlen=_TAIL)

    def show(self, event: Event) -> None:
        self._progress.start()  # does nothing while it runs; takes the terminal again after a question
        message = sentence(event.message, self._words) if event.message else ""
        match event.kind:
            case EventKind.STEP:
                self._begin(event, message)
            case EventKind.LINE:
                self._tail.append(event.text)
                self._detail(event.text)
            case EventKind.PROGRESS:
                self._move(event.fraction, message or event.text or event.subject)
            case EventKind.NOTE:
                self._console.print(Text(f"  {message}"))
            case EventKind.DONE:
                self._end("✓", "green", seconds(event.seconds) if event.seconds is not None else "", message)
            case EventKind.FAILED:
                for line in self._tail:
                    self._console.print(Text(f"    | {line}", style="dim"))
                self._end("✗", "red", "", message)

    def close(self) -> None:
        """Stop the display and give the terminal back."""
        self._progress.stop()

    def _begin(self, event: Event, message: str) -> None:
        self._clear()
        self._name = f"{step_name(event.step, self._words)} {event.subject}".rstrip()
        self._tail.clear()
        self._task = self._progress.add_task(_escaped(self._name), total=None, detail=_escaped(message))

    def _move(self, fraction: float | None, text: str) -> None:
        if self._task is None:
            return
        if fraction is not None:
            self._progress.update(self._task, total=1.0, completed=fraction)
        self._detail(text)

    def _detail(self, text: str) -> None:
        if self._task is not None:
            room = max(10, self._console.width - 60)
            self._progress.update(self._task, detail=_escaped(text.strip()[:room]))

    def _end(self, mark: str, style: str, took: str, message: str) -> None:
        self._clear()
        line = Text(f"{mark} ", style=style).append(self._name, style="default")
        if took:
            line.append(f"  {took}", style="dim")
        if message:
            line.append(f"  {message}", style="default")
        self._console.print(line)

    def _clear(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
