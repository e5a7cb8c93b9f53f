"""What a call of the command line came to, for whoever tests one."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct


class Said(Struct):
    """The exit code of one call, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """Every line of stdout as JSON: it must hold nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def one(self) -> Any:
        """The one JSON object on stdout."""
        (value,) = self.objects
        return value

    def refused(self, code: str, *, exit_code: int = 1) -> str:
        """The one line of an explained failure."""
        assert self.code == exit_code, self
        assert "Traceback" not in self.out + self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, lines
        if self.out:
            error = self.objects[-1]["error"]
            assert (error["code"], error["message"]) == (code, lines[0])
        return lines[0]
