"""How every command speaks: help, usage, JSON alone on stdout, one line for what went wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from engine import __version__, settings
from engine.cli import main
from engine.cli.app import COMMANDS as FILES
from engine.cli.app import application
from engine.paths import DataFolder
from engine.texts import text

ROOT = Path(__file__).parents[3]
Zuoxi = Callable[..., Any]
HEAVY = ("torch", "transformers", "sentence_transformers", "lancedb", "llama_cpp", "PySide6")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(path), command
        return
    yield " ".join(path), command
    for name, one in inner.items():
        yield from commands(one, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(application())))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str, zuoxi: Zuoxi) -> None:
    command = COMMANDS[name]
    assert command.help and command.help.strip().endswith("."), f"zuoxi {name} has no help"
    said = zuoxi(*name.split(), "--help")
    assert said.code == 0
    assert "Usage" in said.out
    assert said.err == ""


def test_each_command_is_found_in_its_file_and_alike_alone() -> None:
    names = {name for name in COMMANDS if name and " " not in name}
    assert names == {name for group in FILES.values() for name in group}
    for name in names:
        alone = dict(commands(typer.main.get_command(application(name))))
        assert alone.keys() == {
            one for one in COMMANDS if one == "" or one.split()[0] in _beside(name)
        }


def _beside(name: str) -> set[str]:
    return {other for group in FILES.values() if name in group for other in group}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    silent = [
        parameter.name
        for parameter in COMMANDS[name].params
        if not getattr(parameter, "help", None)
    ]
    assert silent == [], f"zuoxi {name}"


@pytest.mark.parametrize(
    "name",
    [
        *("desk", "demo", "doctor", "draft", "decide", "redline check", "inbox add"),
        *("rules list", "rules validate", "feedback export"),
        *("kb import", "kb rebuild", "kb search", "kb list", "kb remove", "kb gaps"),
        *("kb synonyms list", "kb synonyms propose", "kb synonyms add", "kb synonyms remove"),
        *("kb synonyms dismiss", "model list", "model add", "model use"),
        *("audit verify", "audit head", "audit export", "approvals list", "approvals ask"),
        *("approvals approve", "approvals refuse", "review list", "review judge"),
        *("review missed", "review appeal", "review answer", "review precision"),
        *("review export",),
    ],
)
def test_the_commands_of_the_contract_are_there(name: str) -> None:
    assert name in COMMANDS
    if name != "desk":
        assert "--json" in {option for p in COMMANDS[name].params for option in p.opts}


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["kb"],
        ["kb", "nonsense"],
        ["kb", "search"],
        ["kb", "search", "a", "-k", "0"],
        ["kb", "search", "a", "-k", "many"],
        ["draft"],
        ["draft", "--message", "a", "--waiting"],
        ["draft", "--message", "a", "--mode", "loud"],
        ["decide", "c1"],
        ["decide", "c1", "--accept", "--hand-over"],
        ["redline", "check"],
        ["redline", "check", "a", "--side", "nobody"],
        ["redline", "check", "a", "--batch", "b"],
        ["inbox", "add", "--customer", "王"],
        ["model", "use"],
        ["--data"],
        ["--data", ""],
        ["kb", "import", ""],
        ["kb", "import", "policies", " "],
        ["feedback", "export", "--out="],
        ["audit", "export", "--out", ""],
        ["evaluate", "--cases", ""],
        ["demo", "--headless", "--out", ""],
        ["--language", "fr", "rules", "list"],
        ["rules", "list", "--language"],
        ["desk", "--language=en"],
        ["--nonsense"],
        ["doctor", "--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_names_the_help(
    arguments: list[str], zuoxi: Zuoxi, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)
    out, err = capfd.readouterr()
    assert code == 2
    assert "Traceback" not in err
    assert "--help" in err or "Usage" in out + err
    if arguments not in (["kb"], ["--data"]):
        code = main([*arguments, "--json"])
        out, err = capfd.readouterr()
        assert code == 2
        assert json.loads(out)["error"]["code"] == "usage"


def test_a_group_alone_names_its_commands_in_one_line(zuoxi: Zuoxi) -> None:
    for group in ("kb", "kb synonyms", "rules", "review"):
        line = zuoxi(*group.split()).refused("usage", exit_code=2)
        inner = [
            name.removeprefix(f"{group} ") for name in COMMANDS if name.startswith(f"{group} ")
        ]
        assert line.startswith(f"zuoxi {group}: ") and f"(zuoxi {group} --help)" in line
        assert all(name in line for name in inner if " " not in name)


def test_the_version_is_said(zuoxi: Zuoxi) -> None:
    assert zuoxi("--version").out.strip() == __version__


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("joined", [True, False])
def test_the_data_folder_may_be_named_anywhere(
    tmp_path: Path, zuoxi: Zuoxi, capfd: pytest.CaptureFixture[str], place: int, joined: bool
) -> None:
    words = ["inbox", "add", "--customer=王", "--text=在吗"]
    where = tmp_path / f"named-{place}"
    words[place:place] = [f"--data={where}"] if joined else ["--data", str(where)]
    assert main(words) == 0
    assert (where / "zuoxi.db").exists()


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("given", [["--language", "en"], ["--language=en"]])
def test_every_sentence_is_in_the_language_asked_for(
    zuoxi: Zuoxi, folder: DataFolder, place: int, given: list[str]
) -> None:
    settings.save(folder, settings.Settings(context=2048))
    words = ["kb", "list"]
    words[place:place] = given
    assert zuoxi(*words).out == text("cli.kb.empty", "en") + "\n"
    assert zuoxi("kb", "list").out == text("cli.kb.empty", "zh") + "\n"
    refused = ["cases", "take", "x"]
    refused[place:place] = given
    assert zuoxi(*refused).err == text("error.no_handover", "en") + "\n"
    assert zuoxi(*refused, "--language=zh").err == text("error.no_handover", "zh") + "\n"
    # For this command only.
    zuoxi("model", "use", "starter", *given)
    assert settings.load(folder).language == "zh"


def test_broken_settings_are_told_in_the_language_asked_for(
    zuoxi: Zuoxi, folder: DataFolder
) -> None:
    folder.root.mkdir()
    folder.settings.write_text("context = 'wide'", "utf-8")
    (told,) = zuoxi("rules", "list", "--language", "en").err.splitlines()
    assert told.isascii()


def test_the_data_folder_may_come_from_the_environment(
    tmp_path: Path, zuoxi: Zuoxi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZUOXI_DATA", str(tmp_path / "env"))
    assert main(["inbox", "add", "--customer", "王", "--text", "在吗"]) == 0
    assert (tmp_path / "env" / "zuoxi.db").exists()


def test_a_text_after_two_dashes_is_never_an_option(zuoxi: Zuoxi) -> None:
    said = zuoxi("redline", "check", "--", "--json")
    assert said.code == 0
    assert said.out.startswith("none")


def test_looking_makes_no_data_folder(zuoxi: Zuoxi, folder: DataFolder) -> None:
    for words in (["kb", "list"], ["model", "list"], ["rules", "list"], ["redline", "check", "a"]):
        assert zuoxi(*words).code == 0
    assert not folder.root.exists()


def test_broken_settings_are_told_once_and_left_alone(zuoxi: Zuoxi, folder: DataFolder) -> None:
    folder.root.mkdir()
    folder.settings.write_text("context = 'wide'", "utf-8")
    said = zuoxi("rules", "list", "--json")
    assert said.code == 0
    assert said.one["rules"]
    assert len(said.err.splitlines()) == 1
    zuoxi("model", "use", "starter", "--json").refused("settings")
    assert folder.settings.read_text("utf-8") == "context = 'wide'"


@pytest.mark.parametrize(
    "words",
    [
        ["inbox", "add", "--customer", "王", "--text", "在吗"],
        ["decide", "c1", "--accept"],
        ["feedback", "export", "--out", "x"],
        ["kb", "gaps"],
        ["draft", "--waiting"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("trouble", ["a file for a folder", "a corrupt database", "no rights"])
def test_a_data_folder_that_cannot_be_used_is_one_clear_line(
    zuoxi: Zuoxi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    trouble: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "broken"
    if trouble == "a file for a folder":
        data.write_text("x", "utf-8")
    elif trouble == "a corrupt database":
        data.mkdir()
        (data / "zuoxi.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)
    else:
        data = Path("/proc/nowhere/data")
    said = zuoxi(*words, "--json", data=data)
    assert said.one["error"]["code"].startswith("store")
    line = said.refused(said.one["error"]["code"])
    assert str(data) in line


def test_calls_that_need_no_model_load_none(tmp_path: Path) -> None:
    code = f"""
import sys
from engine.cli import main
data = ["--data", {str(tmp_path)!r}]
assert main(["inbox", "add", "--customer", "王", "--text", "在吗", *data]) == 0
conversation = "none"
assert main(["decide", conversation, "--accept", *data]) == 1
assert main(["redline", "check", "您好", *data]) == 0
assert main(["rules", "list", *data]) == 0
assert main(["rules", "validate", *data]) == 0
assert main(["kb", "list", *data]) == 0
assert main(["kb", "gaps", *data]) == 0
assert main(["feedback", "export", "--out", {str(tmp_path / "out")!r}, *data]) == 0
assert main(["model", "list", *data]) == 0
assert main(["--help"]) == 0
print("HEAVY", [name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout


def test_a_real_call_speaks_utf8_whatever_the_locale(tmp_path: Path, real: Zuoxi) -> None:
    said = real("--data", str(tmp_path), "kb", "list", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert said.code == 0
    assert said.out == "知识库是空的。\n"
    assert said.err == ""


def test_a_reader_who_has_had_enough_is_no_failure(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.write_text("您好\n" * 20_000, "utf-8")
    command = f"{sys.executable} -m engine.cli redline check --batch {texts} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["action"] == "none"
    assert done.stderr == ""


def test_a_closed_or_full_output_is_no_traceback(tmp_path: Path) -> None:
    for redirect in (">&-", "> /dev/full", ">&- 2>&-"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m engine.cli --data {tmp_path} kb list {redirect}"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1, 120), redirect


def test_without_a_display_the_window_names_the_way_without_one(
    tmp_path: Path, real: Zuoxi
) -> None:
    hidden = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    for words in ([], ["desk"], ["demo"]):
        said = real("--data", str(tmp_path), *words, **hidden)
        assert "zuoxi demo --headless" in said.refused("no_display")


def test_a_missing_system_library_of_the_window_is_named(
    zuoxi: Zuoxi, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        def load(self) -> None:
            raise ImportError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [Point()])
    assert "libEGL.so.1" in zuoxi("desk").refused("window_parts")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [])
    assert "PySide6" in zuoxi("demo", "--headless", "--json").refused("no_window")


def test_an_error_nobody_foresaw_is_one_line(zuoxi: Zuoxi, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> None:
        raise RuntimeError("secret text of a customer")

    monkeypatch.setattr("engine.workshop.running.load_rules", broken)
    said = zuoxi("rules", "list", "--json")
    assert "RuntimeError" in said.refused("internal")
    assert "secret" not in said.out + said.err
