"""Every command in the guides is one that the programs understand; none of them is run."""

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from llmrec.cli.main import app
from llmrec.settings import Settings
from tests.docs.reading import ROOT, Command, commands, commands_in


def commands_of_helps(group: TyperGroup, name: str = "llmrec") -> Iterator[Command]:
    """The examples that the commands' own help shows."""
    for part, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands_of_helps(command, f"{name} {part}")
        else:
            yield from commands_in(f"```sh\n{command.help}\n```", f"{name} {part} --help")


ALL = [*commands(), *commands_of_helps(typer.main.get_command(app))]
_OTHERS = ("sglang",)  # what other projects' programs understand is not known here
_INCOMPLETE = re.compile(r"^Missing (argument|option)|^\s*Usage:|requires an argument|are required|value: '[A-Z]+'")


class _UnderstoodError(Exception):
    """The command line was read without an error."""


def of(program: str) -> list[Command]:
    return [command for command in ALL if command.words[0].rpartition("/")[2].rstrip("3") == program]


def complaint_of_llmrec(arguments: Sequence[str]) -> str:
    """What `llmrec` has against a command line, empty if nothing; it is read and not run."""
    command: Any = typer.main.get_command(app)
    try:
        context = command.make_context("llmrec", list(arguments))
        while isinstance(command, TyperGroup):
            name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            context = command.make_context(name, rest, parent=context)
    except TyperException as error:
        return error.format_message()
    except typer.Exit:  # after --help
        pass
    return ""


def assert_understood(command: Command, complaint: str) -> None:
    """A whole command is understood; a mention may lack a part or stand for a value by a word in capitals."""
    assert not complaint or (not command.is_whole and _INCOMPLETE.search(complaint)), complaint


@pytest.mark.parametrize("command", of("llmrec"), ids=str)
def test_the_command_line_understands(command: Command) -> None:
    assert_understood(command, complaint_of_llmrec(command.words[1:]))


def test_a_wrong_command_would_be_noticed() -> None:
    text = "```sh\ncd x && llmrec chat shop --kk 3 | head  # so\n```\nor `llmrec\nui`, not `llmrecs ui`"
    wrong, mentioned = commands_in(text, "a.md")
    assert (wrong.words, wrong.is_whole) == (("llmrec", "chat", "shop", "--kk", "3"), False)
    assert (mentioned.words, mentioned.is_whole) == (("llmrec", "ui"), False)
    with pytest.raises(AssertionError, match="No such option: --kk"):
        assert_understood(wrong, complaint_of_llmrec(wrong.words[1:]))
    assert_understood(mentioned, complaint_of_llmrec(mentioned.words[1:]))


def assigned(command: Command) -> list[str]:
    """What its `--set` options say."""
    pairs = zip(command.words, command.words[1:], strict=False)
    return [value for option, value in pairs if option == "--set"]


@pytest.mark.parametrize("command", [command for command in of("llmrec") if assigned(command)], ids=str)
def test_what_it_sets_is_a_setting(command: Command) -> None:
    Settings().changed(assigned(command))


def stop_after_reading(parse: Callable[..., argparse.Namespace]) -> Callable[..., NoReturn]:
    def parse_and_stop(*arguments: object, **options: object) -> NoReturn:
        parse(*arguments, **options)
        raise _UnderstoodError

    return parse_and_stop


def module_and_arguments(words: Sequence[str]) -> tuple[str, list[str]]:
    if words[1] == "-m":
        return words[2], list(words[3:])
    assert (ROOT / words[1]).is_file()
    return words[1].removesuffix(".py").replace("/", "."), list(words[2:])


def run_by(name: str) -> str:
    """What Python runs of the module or package `name`."""
    found = importlib.util.find_spec(name)
    assert found
    return f"{name}.__main__" if found.submodule_search_locations else name


@pytest.mark.parametrize(
    "command", [command for command in of("python") if not " ".join(command.words).startswith(_OTHERS, 10)], ids=str
)
def test_a_module_is_there_and_understands(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, arguments = module_and_arguments(command.words)
    if not any(argument.startswith("-") for argument in arguments):
        assert importlib.util.find_spec(name)
        return
    main = importlib.import_module(run_by(name)).main
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop_after_reading(argparse.ArgumentParser.parse_args))
    with pytest.raises((_UnderstoodError, SystemExit)) as ended:
        main(arguments) if inspect.signature(main).parameters else main()
    assert_understood(command, capsys.readouterr().err if ended.type is SystemExit else "")


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_a_target_is_in_the_makefile(command: Command) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in command.words[1:]:
        variable, is_given, _ = word.partition("=")
        where = rf"\$\({variable}\)" if is_given else rf"^([\w-]+ )*{word}( [\w-]+)*:"
        assert re.search(where, makefile, re.MULTILINE), word
