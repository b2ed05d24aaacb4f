"""Certificates of localhost: one that is good, one that has expired, both signed by themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.servers import make_certificate

_CA = """[ca]
default_ca = here
[here]
database = {place}/index.txt
new_certs_dir = {place}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost
basicConstraints = CA:TRUE
"""


def make_expired(place: Path) -> tuple[Path, Path]:
    """A certificate whose last day was in 2020, and its key."""
    place.mkdir()
    cert, key = make_certificate(place, names="DNS:localhost")
    (place / "index.txt").touch()
    (place / "ca.cnf").write_text(_CA.format(place=place))
    request, old = place / "request.pem", place / "old.pem"
    _openssl("req", "-new", "-key", str(key), "-subj", "/CN=old", "-out", str(request))
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    signed = ("-selfsign", "-batch", "-notext", "-config", str(place / "ca.cnf"), "-keyfile", str(key), "-in", str(request))
    _openssl("ca", *signed, *dates, "-out", str(old))
    cert.unlink()
    return old, key


def make_good(place: Path) -> tuple[Path, Path]:
    """A certificate that holds, and its key."""
    place.mkdir()
    return make_certificate(place, names="DNS:localhost")


def _openssl(*args: str) -> None:
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
