"""The customers of the demo: the sample company's first ones, in more of a hurry."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from desktop.session.sample import Sample
from engine.channels.replay import Scene

_SCENES: Final = 16
# The sample's customers take their time; here they write four times as fast.
_PACE: Final = 4.0


def hurried(sample: Sample) -> Sample:
    """The sample's first customers, who write faster."""
    first = sorted(sample.script, key=lambda scene: scene.start)[:_SCENES]

    def fast(scene: Scene) -> Scene:
        return replace(
            scene,
            start=scene.start / _PACE,
            opening=tuple(replace(one, after=one.after / _PACE) for one in scene.opening),
            replies=tuple(replace(one, delay=one.delay / _PACE) for one in scene.replies),
        )

    return replace(sample, script=tuple(fast(scene) for scene in first))
