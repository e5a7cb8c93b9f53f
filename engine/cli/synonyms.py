"""`zuoxi kb synonyms …`: what customers call things, and what the policies call them."""

from __future__ import annotations

import time

import typer

from engine.cli.console import Json, Session, emit, report, say, show
from engine.texts import text

group = typer.Typer(
    help="Wordings: list, propose, add, remove, dismiss.",
    no_args_is_help=True,
)


def register(knowledge: typer.Typer) -> None:
    """Add the commands to those of the knowledge."""
    knowledge.add_typer(group, name="synonyms")


@group.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The company's own wordings; those that ship with the program are counted only."""
    from engine.knowledge.own_wordings import own_pairs
    from engine.knowledge.synonyms import synonyms_of

    session: Session = context.obj
    table, bad = synonyms_of(session.folder.knowledge)
    pairs = own_pairs(session.folder.knowledge)
    if json:
        emit({"pairs": pairs, "unreadable": bad, "table": len(table)})
        return
    for pair in pairs:
        show(f"{pair.said} → {pair.policy}")
    if not pairs:
        show(text("cli.synonyms.none", session.language, n=len(table)))
    for one in bad:
        say(text("cli.synonyms.unreadable", session.language, file=one.file, line=one.line))


@group.command("propose")
def propose(context: typer.Context, json: Json = False) -> None:
    """What customers say and no document does, from gaps, rejections and changed drafts."""
    from engine.learning.wordings import observe, propose_for
    from engine.store.store import open_store

    session: Session = context.obj
    with open_store(session.folder.database) as store:
        observed = observe(store)
    proposals = propose_for(session.folder.knowledge, observed)
    if json:
        emit({"proposals": proposals})
        return
    language = session.language
    for one in proposals:
        policies = " / ".join(one.policies) or text("cli.synonyms.open", language)
        day = time.strftime("%Y-%m-%d", time.localtime(one.last_at))
        show(text("cli.synonyms.met", language, said=one.said, policies=policies, n=one.count))
        for example in one.examples:
            show(f"    {day}  {example}")
    if not proposals:
        show(text("cli.synonyms.nothing_new", language))


@group.command("add")
def add(
    context: typer.Context,
    said: str = typer.Argument(help="What customers say."),
    policy: str = typer.Argument(help="What the documents call it."),
    json: Json = False,
) -> None:
    """Have searches look for the documents' word where a customer uses another one."""
    from engine.knowledge.own_wordings import add_pair
    from engine.knowledge.vocabulary import read_vocabulary

    session: Session = context.obj
    pair = add_pair(session.folder.knowledge, said, policy)
    known = read_vocabulary(session.folder.knowledge).says(pair.policy)
    report(
        {"said": pair.said, "policy": pair.policy, "in_knowledge": known},
        f"{pair.said} → {pair.policy}",
        json=json,
    )
    if not known:
        say(text("cli.synonyms.unsaid", session.language, policy=pair.policy))


@group.command("remove")
def remove(
    context: typer.Context,
    said: str = typer.Argument(help="What customers say."),
    policy: str = typer.Argument("", help="What it stands for; all of them unless given."),
    json: Json = False,
) -> None:
    """Take a wording out of the company's own table."""
    from engine.knowledge.own_wordings import remove_pair

    session: Session = context.obj
    taken = remove_pair(session.folder.knowledge, said, policy)
    if json:
        emit({"removed": taken})
        return
    for pair in taken:
        show(text("cli.synonyms.removed", session.language, said=pair.said, policy=pair.policy))


@group.command("dismiss")
def dismiss(
    context: typer.Context,
    said: str = typer.Argument(help="The wording, as it is proposed."),
    undo: bool = typer.Option(False, "--undo", help="Let it be proposed again."),
    json: Json = False,
) -> None:
    """Never propose a wording again."""
    from engine.knowledge.grams import fold
    from engine.store.store import open_store

    session: Session = context.obj
    wording = " ".join(fold(said).split())
    with open_store(session.folder.database) as store:
        if undo:
            store.missed.restore(wording)
        else:
            store.missed.dismiss(wording)
    if json:
        emit({"said": wording, "dismissed": not undo})
    else:
        key = "cli.synonyms.restored" if undo else "cli.synonyms.dismissed"
        show(text(key, session.language, said=wording))
