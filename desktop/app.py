"""From a data folder to an open window, and until it is closed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from desktop.desk import Configure, Desk, application
from desktop.pages.trouble import offer_remedy
from desktop.session.opening import check_display, open_folder
from desktop.session.sample import Sample
from engine import logs
from engine import settings as settings_file
from engine.errors import ZuoxiError
from engine.paths import RULES, DataFolder

__all__ = ["Desk", "build_desk", "main"]


def build_desk(
    folder: DataFolder,
    *,
    sample: bool | Sample = False,
    start_engine: bool = True,
    configure: Configure = settings_file.engine_config,
    clock: Callable[[], float] = time.time,
    rules: Path = RULES,
) -> Desk:
    """Open a desk on `folder`; its window is made and not yet shown. Needs a QApplication.

    `sample` is a company whose customers write, or True for the one that ships; `configure` makes
    the engine's configuration from the settings. Raises `ZuoxiError`: the
    store's errors, `desk_running`, `desk_folder`, `sample_missing`, `rules_invalid`.
    """
    opened = open_folder(folder, sample, rules)
    try:
        desk = Desk(folder, opened, configure=configure, clock=clock)
    except BaseException:
        opened.close()
        raise
    desk.start(start_engine=start_engine)
    if opened.complaint is not None:
        desk.notices.tell(opened.complaint)
    desk.rules_in_force.tell(opened.broken_rules)
    return desk


def main(folder: DataFolder, *, sample: bool = False) -> int:
    """Open the window and stay until it is closed; the exit status.

    Raises `ZuoxiError` (`no_display`) where no window can be opened at all.
    """
    check_display()
    app = application()
    app.setApplicationName("Zuoxi")
    app.setDesktopFileName("zuoxi")
    while True:
        try:
            desk = build_desk(folder, sample=sample)
            break
        except ZuoxiError as error:
            if not offer_remedy(app, error, folder):
                return 1
    sys.excepthook = _hook(desk)
    desk.window.show()
    try:
        return app.exec()
    finally:
        desk.close()
        sys.excepthook = sys.__excepthook__


def _hook(desk: Desk) -> Callable[..., None]:
    """What happens with an error that nobody foresaw: its type is logged, a person is told."""

    def hook(kind: type[BaseException], value: BaseException, _trace: object) -> None:
        if issubclass(kind, KeyboardInterrupt):
            desk.window.close()
            return
        name = kind.__name__
        logs.error("unexpected", kind=name)
        desk.notices.tell(ZuoxiError(f"An unexpected error ({name}).", "internal", kind=name))

    return hook
