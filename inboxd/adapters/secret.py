"""Passwords and tokens, read anew at each login from a file, the environment, a command or a systemd credential."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path

from inboxd.config import Secret
from inboxd.errors import Permanent, Temporary

_COMMAND_SECONDS = 30


def read_secret(secret: Secret) -> str:
    """Read a password or token; raise Permanent, saying what to do, where it cannot be had."""
    match secret.kind:
        case "file":
            value, where = _from_file(Path(secret.value)), f"the password file {secret.value}"
        case "env":
            value, where = _from_environment(secret.value), f"the environment variable {secret.value}"
        case "command":
            value, where = _from_command(secret.value), f"the output of the password command {_program(secret.value)!r}"
        case "credential":
            value, where = _from_credential(secret.value), f"the credential {secret.value}"
        case other:
            raise Permanent(f"unknown kind of secret {other!r}: file, env, command or credential would be right")
    value = value.rstrip("\r\n")
    if not value:
        raise Permanent(f"{where} is empty: put the password (or token) on its first line")
    if any(ord(c) < 32 for c in value):
        raise Permanent(f"{where} has more than one line or control characters: only the password belongs there")
    return value


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise Permanent(f"the password file {path} is a folder; name the file in it")
        if mode & stat.S_IRWXO:
            raise Permanent(f"the password file {path} is open to every user of this machine: run `chmod 600 {path}`")
        return path.read_text(encoding="utf-8-sig")  # some editors put a mark in front, which no person sees
    except OSError as error:
        raise Permanent(
            f"the password file {path} cannot be read ({error.strerror}): create it, readable only by the user that inboxd runs as"
        ) from error
    except UnicodeDecodeError:
        raise Permanent(f"the password file {path} is not UTF-8 text") from None  # the error would show the bytes


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise Permanent(f"the environment variable {name} is not set: set it for the service (Environment= or a file)")
    return value


def _from_command(command: str) -> str:
    program = _program(command)
    try:
        done = subprocess.run(  # no shell: the words of the settings, nothing expanded
            shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_SECONDS, check=False
        )
    except (OSError, ValueError) as error:  # not its text: the words of the command may hold a secret
        why = type(error).__name__
        raise Permanent(f"the password command {program!r} cannot be run ({why}): give its full path") from None
    except subprocess.TimeoutExpired:
        raise Temporary(f"the password command {program!r} gave no answer in {_COMMAND_SECONDS} s") from None
    if done.returncode != 0:  # such commands ask a network service: worth another try
        raise Temporary(f"the password command {program!r} ended with status {done.returncode}: run it to see why")
    try:
        return done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise Permanent(f"the password command {program!r} printed something that is not UTF-8 text") from None


def _from_credential(name: str) -> str:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    hint = f"give the service LoadCredential={name}:/path/to/the/password (systemd.exec)"
    if not directory:
        raise Permanent(f"the credential {name} is asked for, but CREDENTIALS_DIRECTORY is not set: {hint}")
    if not name or Path(name).name != name:
        raise Permanent(f"the credential name {name!r} must be a plain file name")
    try:
        return (Path(directory) / name).read_text(encoding="utf-8")
    except OSError as error:
        raise Permanent(f"the credential {name} cannot be read ({error.strerror}): {hint}") from error
    except UnicodeDecodeError:
        raise Permanent(f"the credential {name} is not UTF-8 text") from None


def _program(command: str) -> str:
    """Only the first word: the rest of a command line may itself hold a secret."""
    return (command.split() or [""])[0]
