"""`clockifyrag index …`: build generations, look at them, move between them, carry them elsewhere."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clockifyrag_cli.building import build
from clockifyrag_cli.outcome import listing, told_failure, write_outcome
from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.compare import Difference
    from clockifyrag_index.generations import GenerationSummary

app = typer.Typer(help="Build and keep the generations of an index root.", no_args_is_help=True)

Root = Annotated[Path, typer.Option("--root", "--out", envvar="INDEX_ROOT", help="The index root.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

app.command("build")(build)


@app.command("ls")
def ls(
    root: Root,
    as_json: Json = False,
    outcome: Annotated[Path | None, typer.Option(help="Write the good ones there too, in at most 3 KiB.")] = None,
) -> None:
    """List the generations, newest first."""
    from clockifyrag_index.generations import list_generations

    with told_failure(outcome):
        found = list_generations(root)
        if outcome:
            write_outcome(outcome, listing(found))
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _print_list(found, root)


def _print_list(found: "list[GenerationSummary]", root: Path) -> None:
    for one in found:
        mark = "*" if one.state == "current" else " "
        print(
            f"{mark} {one.id}  {one.state:<8} {one.created:<20} {one.documents:>7} articles {one.chunks:>8} chunks  "
            f"{one.model:<18} {one.size_bytes / 2**20:>8.1f} MiB  {one.problem or one.reason}"
        )
    if not found:
        print(_nothing_in(root))


def _nothing_in(root: Path) -> str:
    return f"{root} holds no generation; build one: clockifyrag index build --source … --out {root}"


@app.command()
def verify(root: Root, generation: Annotated[str | None, typer.Argument(help="Unset: all of them.")] = None) -> None:
    """Read every file again and compare it with the manifest."""
    from clockifyrag_index.errors import FormatUnsupported, GenerationDamaged, GenerationMissing
    from clockifyrag_index.generations import list_generations
    from clockifyrag_index.layout import Layout
    from clockifyrag_index.verify import verified_manifest

    found = [] if generation else list_generations(root)
    newer = [one for one in found if one.state == "newer"]
    names = [generation] if generation else [one.id for one in found if one not in newer]
    for one in newer:
        print(f"{one.id}: not verified: {one.problem}")
    if newer and not names:
        raise FormatUnsupported(f"none of the {len(newer)} generations can be verified by this version")
    if not names:
        raise GenerationMissing(_nothing_in(root))
    damaged = 0
    for name in names:
        try:
            manifest = verified_manifest(Layout(root).generation(name))
            counts = f"{manifest.counts.chunks} chunks, {manifest.size_bytes} bytes in {len(manifest.files)} files"
            print(f"{name}: good, {counts}")
        except GenerationDamaged as error:
            damaged += 1
            print(f"{name}: damaged: {error}")
    if damaged:
        raise GenerationDamaged(f"{damaged} of {len(names)} generations are damaged; build again or roll back")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A generation.")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    root: Root,
    as_json: Json = False,
) -> None:
    """Say which documents and chunks one generation has and another has not."""
    from clockifyrag_index.compare import diff as compared
    from clockifyrag_index.generations import open_generation
    from clockifyrag_index.layout import Layout

    layout = Layout(root)
    difference = compared(open_generation(layout.generation(before)), open_generation(layout.generation(after)))
    print(json.dumps(asdict(difference), indent=2) if as_json else _difference_text(difference))


def _difference_text(difference: "Difference") -> str:
    lines = [f"{difference.before} → {difference.after}"]
    for name, changes in (("articles", difference.documents), ("chunks", difference.chunks)):
        lines.append(f"  {name}: {changes.added} added, {changes.removed} removed, {changes.changed} changed")
        lines += [f"    + {one}" for one in changes.added_examples]
        lines += [f"    - {one}" for one in changes.removed_examples]
        lines += [f"    ~ {one}" for one in changes.changed_examples]
    lines += [f"  {one.name}: {one.before} → {one.after}" for one in difference.parameters]
    return "\n".join(lines)


@app.command()
def rollback(root: Root, to: Annotated[str | None, typer.Option(help="Unset: the one before.")] = None) -> None:
    """Publish an earlier generation; servers take it over by themselves."""
    from clockifyrag_index.generations import rollback as rolled_back

    print(f"published {rolled_back(root, to)}")


@app.command()
def gc(
    root: Root,
    retain: Annotated[int, typer.Option(min=1, help="Good generations to keep.")] = 3,
    damaged: Annotated[bool, typer.Option(help="Remove damaged ones too.")] = False,
) -> None:
    """Remove old generations; never the published one."""
    from clockifyrag_index.disk import storage_errors
    from clockifyrag_index.errors import GenerationMissing
    from clockifyrag_index.retention import gc as collected

    with storage_errors(root):
        if not root.is_dir():
            raise GenerationMissing(f"{root} does not exist; expected an index root, which --root names")
    outcome = collected(root, retain, damaged=damaged)
    print(f"removed {', '.join(outcome.removed) or 'nothing'}; kept {', '.join(outcome.kept) or 'nothing'}")
    for one in outcome.damaged:
        print(f"left {one.id}: {one.problem}; remove it with --damaged")


@app.command("export")
def export(
    root: Root,
    file: Annotated[Path, typer.Argument(help="The archive to write: .tar or .tar.gz.")],
    generation: Annotated[str | None, typer.Option(help="Unset: the published one.")] = None,
) -> None:
    """Write a generation into one verified archive."""
    from clockifyrag_index.archive import export_generation
    from clockifyrag_index.generations import current_generation_path
    from clockifyrag_index.layout import Layout

    path = Layout(root).generation(generation) if generation else current_generation_path(root)
    export_generation(path, file)
    print(f"{file}: {path.name}, {file.stat().st_size} bytes")


@app.command("import")
def import_(
    root: Root,
    file: Annotated[Path, typer.Argument(help="An archive that `export` wrote.")],
    publish: Annotated[bool, typer.Option(help="Move CURRENT to it.")] = True,
) -> None:
    """Bring a generation in from an archive; the id must come out the same."""
    from clockifyrag_index.archive import import_generation
    from clockifyrag_index.generations import publish as published
    from clockifyrag_index.statistics import write_statistics

    outcome = import_generation(root, file, write_statistics)
    if publish:
        published(root, outcome.id)
    print(f"{'published' if publish else 'added'} {outcome.id}")


@app.command()
def serve(
    root: Root,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8001,
) -> None:
    """Serve the generations of a root to search pods, read-only."""
    from clockifyrag_builder.store import serve as served
    from clockifyrag_index.disk import storage_errors

    with storage_errors(root):
        if not root.is_dir():
            raise UsageError(f"{root} is no folder; expected an index root")
    served(root, host, port)
