"""Reads `templates/<language>/<name>.txt.j2` and `templates/letter.html.j2`, the admin's own before the shipped."""

from __future__ import annotations

from pathlib import Path

from inboxd.core.compose import Templates
from inboxd.errors import ConfigError
from inboxd.yaml_source import shown_path


def load_templates(shipped: Path, own: Path | None) -> Templates:
    """Read all texts; one that the admin wrote replaces the shipped one of the same language and name."""
    came, files = _read(shipped), _files(shipped)
    texts = dict(came)
    if own is not None:
        if not own.is_dir():
            raise ConfigError(f"{own}: there is no such folder (templates)")
        texts |= _read(own)
        files |= _files(own)
    templates = Templates(texts, files={key: shown_path(path) for key, path in files.items()}, shipped=came)
    if "letter.html" not in texts:
        raise ConfigError(f"{shipped / 'letter.html.j2'}: there is no such file")
    if mistakes := templates.mistakes():
        raise ConfigError(*mistakes)
    return templates


def _read(folder: Path) -> dict[str, str]:
    return {key: _text(path) for key, path in _files(folder).items()}


def _files(folder: Path) -> dict[str, Path]:
    files = {f"{path.parent.name}/{path.name.removesuffix('.txt.j2')}": path for path in sorted(folder.glob("*/*.txt.j2"))}
    if (page := folder / "letter.html.j2").is_file():
        files["letter.html"] = page
    return files


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start})") from error
