"""Where tokens of environments are kept on a client: the system's keyring, or a file that was asked for.

Only back ends that keep secrets encrypted by the system are used. Others are treated as absent: merely installing
`keyrings.alt` makes a plain-text store keyring's silent default, and `null` accepts a secret and forgets it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs

from circuit_link.errors import UserFacingError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "circuit-console"
TOKEN_VARIABLE = "CIRCUIT_TOKEN"
_SAFE_BACKENDS = frozenset(
    {
        "keyring.backends.macOS",
        "keyring.backends.Windows",
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
    }
)


class TokenStore(Protocol):
    """Tokens by the environment's address. Tokens never appear in messages of errors."""

    def read(self, url: str) -> str | None: ...

    def write(self, url: str, token: str) -> None: ...

    def forget(self, url: str) -> None: ...


class KeyringTokens:
    """Tokens in a keyring of the system."""

    def __init__(self, backend: KeyringBackend) -> None:
        self._backend = backend

    @property
    def name(self) -> str:
        return str(self._backend.name)

    def read(self, url: str) -> str | None:
        return self._backend.get_password(SERVICE, url)

    def write(self, url: str, token: str) -> None:
        self._backend.set_password(SERVICE, url, token)

    def forget(self, url: str) -> None:
        if self.read(url) is not None:
            self._backend.delete_password(SERVICE, url)


class FileTokens:
    """Tokens in a file that only its owner can read (mode 0600). Used only where the user asked for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        return self._path

    def read(self, url: str) -> str | None:
        return self._load().get(url)

    def write(self, url: str, token: str) -> None:
        self._save({**self._load(), url: token})

    def forget(self, url: str) -> None:
        tokens = self._load()
        if tokens.pop(url, None) is not None:
            self._save(tokens)

    def _load(self) -> dict[str, str]:
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return {}
        try:
            return {str(url): str(token) for url, token in json.loads(text).items()}
        except (ValueError, AttributeError) as exc:
            raise UserFacingError(
                f"The token file {self._path} is not readable as JSON.",
                code="TOKEN_FILE_INVALID",
                hint="Delete it and log in again.",
            ) from exc

    def _save(self, tokens: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(tokens, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


def default_token_file() -> Path:
    return Path(platformdirs.user_config_dir("circuit-console")) / "tokens.json"


def system_keyring() -> KeyringTokens | None:
    """The system's keyring where there is a safe one that works (tried by write, read and delete), else None."""
    import keyring
    from keyring.errors import KeyringError

    candidates = [keyring.get_keyring(), *getattr(keyring.get_keyring(), "backends", [])]
    for backend in candidates:
        if type(backend).__module__ not in _SAFE_BACKENDS:
            continue
        tokens = KeyringTokens(backend)
        try:
            tokens.write("circuit-console://probe", "probe")
            works = tokens.read("circuit-console://probe") == "probe"
            tokens.forget("circuit-console://probe")
        except (KeyringError, OSError):
            continue
        if works:
            return tokens
    return None


def store_for_login(use_file: bool) -> TokenStore:
    """Where a login keeps its token.

    Raises:
        UserFacingError: there is no usable keyring and no file was asked for.
    """
    if use_file:
        return FileTokens(default_token_file())
    tokens = system_keyring()
    if tokens is None:
        raise UserFacingError(
            "This system has no usable keyring, so the token was not stored.",
            code="NO_KEYRING",
            hint=(
                f"Log in again with --token-file to keep it in {default_token_file()} (mode 0600), "
                f"or set {TOKEN_VARIABLE} for one command."
            ),
        )
    return tokens


def find_token(url: str) -> str | None:
    """The token for an environment: from the variable CIRCUIT_TOKEN, else the token file, else the keyring."""
    if token := os.environ.get(TOKEN_VARIABLE):
        return token
    if token := FileTokens(default_token_file()).read(url):
        return token
    keyring_tokens = system_keyring()
    return keyring_tokens.read(url) if keyring_tokens else None
