"""Where things lie: what ships with the program, and one person's data folder."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

ASSETS = Path(__file__).resolve().parent.parent / "assets"
STARTER_MODEL = ASSETS / "models" / "starter.gguf"
STARTER_EMBEDDER = ASSETS / "models" / "starter-embedder"
RULES = ASSETS / "rules"
STYLES = ASSETS / "styles"
SAMPLE = ASSETS / "sample"
EVALUATION = ASSETS / "evaluation"
SYNONYMS = ASSETS / "synonyms"
CHARACTERS = ASSETS / "characters"
COMMON_WORDS = ASSETS / "wordings" / "common.txt"
CLASSIFIER = RULES / "classifier"


class DataFolder(Struct, frozen=True):
    """The layout of a data folder. Nothing is created until it is written to."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file with conversations, drafts and decisions."""
        return self.root / "zuoxi.db"

    @property
    def knowledge(self) -> Path:
        """The folder with the stored documents and their LanceDB index."""
        return self.root / "knowledge"

    @property
    def replay(self) -> Path:
        """What has reached the sample company's customers (JSON Lines)."""
        return self.root / "replay.jsonl"

    @property
    def models(self) -> Path:
        """Models that were added from a file."""
        return self.root / "models"

    @property
    def settings(self) -> Path:
        """The settings file (TOML)."""
        return self.root / "settings.toml"

    @property
    def logs(self) -> Path:
        """Logs, without personal data."""
        return self.root / "logs"


def data_folder(explicit: str | Path | None = None) -> DataFolder:
    """The data folder: `explicit`, else ``ZUOXI_DATA``, else the platform's own."""
    root = explicit or os.environ.get("ZUOXI_DATA")
    if not root:
        import platformdirs

        root = platformdirs.user_data_dir("zuoxi", "Zuoxi")
    return DataFolder(Path(root).expanduser().absolute())
