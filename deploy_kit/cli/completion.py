"""Completion scripts for bash, zsh and fish, made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterator

from deploy_kit.cli.parser import SWITCHES, flags_of
from deploy_kit.cli.table import COMMANDS, Command, Option
from deploy_kit.messages import Catalogue

_FILES = ("file", "files", "folder")


def script(shell: str, words: Catalogue) -> str:
    """The script for one of bash, zsh, fish."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](words)


def _bash(words: Catalogue) -> str:  # noqa: ARG001
    return _BASH.replace("@COMMANDS@", " ".join(command.name for command in COMMANDS)).replace(
        "@CASES@", "\n".join(_bash_case(command) for command in COMMANDS)
    )


def _bash_case(command: Command) -> str:
    flags = flags_of(command)
    files, plain = [], []
    choices: dict[str, str] = {}
    for name, option, values in flags:
        if values:
            choices[name] = " ".join(values)
        elif option is not None and option.kind in _FILES:
            files.append(name)
        elif option is None or option.kind not in SWITCHES:
            plain.append(name)
    lines = [f"    {command.name})", "      case $previous in"]
    lines += [
        f'        {name}) COMPREPLY=($(compgen -W "{values}" -- "$current")); return;;'
        for name, values in choices.items()
    ]
    if files:
        lines.append(f'        {"|".join(files)}) COMPREPLY=($(compgen -f -- "$current")); return;;')
    if plain:
        lines.append(f"        {'|'.join(plain)}) return;;")
    lines += [
        "      esac",
        f'      flags="{" ".join(name for name, _, _ in flags)}"',
        f'      words="{" ".join(_words(command))}"',
    ]
    lines.append(f"      files={'yes' if any(argument.kind in _FILES for argument in command.arguments) else ''};;")
    return "\n".join(lines)


def _words(command: Command) -> Iterator[str]:
    for argument in command.arguments:
        yield from argument.choices


_BASH = """\
_deploykit() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word flags= words= files=
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " @COMMANDS@ " in *" $word "*) command=$word; break;; esac
  done
  case $command in
    "") COMPREPLY=($(compgen -W "@COMMANDS@ --help --version" -- "$current")); return;;
@CASES@
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current"));;
    *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
       elif [ -n "$files" ]; then COMPREPLY=($(compgen -f -- "$current")); fi;;
  esac
}
complete -F _deploykit deploykit ./deploykit"""


def _zsh(words: Catalogue) -> str:
    lines = ["#compdef deploykit", "_deploykit() {", "  local line state", "  local -a commands", "  commands=("]
    lines += [f"    {_quoted(f'{command.name}:{_summary(command, words)}')}" for command in COMMANDS]
    lines += ["  )", "  _arguments -C '1:command:->command' '*::argument:->arguments'", "  case $state in"]
    lines += ["    command) _describe command commands;;", "    arguments) case $line[1] in"]
    for command in COMMANDS:
        lines.append(f"      {command.name}) _arguments {' '.join(_zsh_specs(command, words))};;")
    lines += ["    esac;;", "  esac", "}", "compdef _deploykit deploykit"]
    return "\n".join(lines)


def _zsh_specs(command: Command, words: Catalogue) -> Iterator[str]:
    for name, option, values in flags_of(command):
        text = _text(option, name, command, words).replace("[", "(").replace("]", ")").replace(":", " ")
        flag = option is not None and option.kind in SWITCHES
        files = option is not None and option.kind in _FILES
        value = "" if flag else f":value:{'(' + ' '.join(values) + ')' if values else '_files' if files else ''}"
        yield _quoted(f"{name}[{text}]{value}")
    for argument in command.arguments:
        action = f"({' '.join(argument.choices)})" if argument.choices else "_files" if argument.kind in _FILES else ""
        yield _quoted(f"{':' if not argument.optional else '::'}{argument.name}:{action}")


def _fish(words: Catalogue) -> str:
    lines = ["complete -c deploykit -f"]
    for command in COMMANDS:
        summary = _quoted(_summary(command, words))
        lines.append(f"complete -c deploykit -n __fish_use_subcommand -a {command.name} -d {summary}")
    for command in COMMANDS:
        seen = _quoted(f"__fish_seen_subcommand_from {command.name}")
        for name, option, values in flags_of(command):
            text = _quoted(_text(option, name, command, words))
            lines.append(f"complete -c deploykit -n {seen} {_fish_flag(name, option, values)} -d {text}")
        lines += [f"complete -c deploykit -n {seen} -a {_quoted(word)}" for word in _words(command)]
        if any(argument.kind in _FILES for argument in command.arguments):
            lines.append(f"complete -c deploykit -n {seen} -F")
    return "\n".join(lines)


def _fish_flag(name: str, option: Option | None, values: tuple[str, ...]) -> str:
    flag = f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
    if values:
        return f"{flag} -x -a {_quoted(' '.join(values))}"
    if option is not None and option.kind in SWITCHES:
        return flag
    return f"{flag} -r -F" if option is not None and option.kind in _FILES else f"{flag} -x"


def _summary(command: Command, words: Catalogue) -> str:
    return words(f"help.command.{command.name}")


def _text(option: Option | None, name: str, command: Command, words: Catalogue) -> str:
    if option is None or option.kind == "switch":
        return words(f"settings.{_key(name)}").splitlines()[0]
    own = f"help.option.{command.name}.{option.dest}"
    return words(own if words.has(own) else f"help.option.{option.dest}")


def _key(flag: str) -> str:
    from deploy_kit.config.table import settings

    return next(key for key, setting in settings().items() if flag in (setting.flag, f"--no-{setting.flag[2:]}"))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
