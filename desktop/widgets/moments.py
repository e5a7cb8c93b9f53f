"""Moments and waiting times in words."""

from __future__ import annotations

from datetime import datetime


def moment_words(at: float, now: float) -> str:
    """A time of day, with the day where it was another one."""
    moment = datetime.fromtimestamp(at)
    if datetime.fromtimestamp(now).date() == moment.date():
        return f"{moment:%H:%M}"
    same_year = moment.year == datetime.fromtimestamp(now).year
    return f"{moment:%m-%d %H:%M}" if same_year else f"{moment:%Y-%m-%d}"


def clock_text(seconds: float) -> str:
    """A waiting time: ``00:42``, ``12:05``, ``1:02:03``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes:02d}:{secs:02d}"
