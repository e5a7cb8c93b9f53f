"""What is logged goes to standard error, a line each. The library loads with the first line.

Nothing personal is logged: kinds of errors, codes and places, never what somebody wrote.
"""

from __future__ import annotations

import sys


def to_stderr() -> None:
    """Have all logs written to standard error, or nowhere where a program has none."""
    import structlog

    # Looked up at each line: what standard error is may change, standard output is the caller's.
    structlog.configure(
        logger_factory=lambda *_: (
            structlog.PrintLogger(sys.stderr) if sys.stderr else structlog.ReturnLogger()
        )
    )


def error(what: str, **values: str) -> None:
    """Log that `what` went wrong."""
    import structlog  # Here: it takes longer to load than the window.

    if not structlog.is_configured():
        to_stderr()
    structlog.get_logger().error(what, **values)
