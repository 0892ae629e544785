"""Where the tokens of environments are kept: keyring, a file that was asked for, or only in memory."""

from __future__ import annotations

from enum import Enum, auto

from circuit_link.credentials import FileTokens, default_token_file, find_token, store_for_login, system_keyring


class Keep(Enum):
    """What the user chose."""

    KEYRING = auto()
    FILE = auto()
    SESSION = auto()


class TokenKeeper:
    """Reads and keeps tokens by address. Blocking (a keyring may ask its daemon): used from background tasks."""

    def __init__(self) -> None:
        self._session: dict[str, str] = {}

    def read(self, url: str) -> str | None:
        return self._session.get(url) or find_token(url)

    def check(self, keep: Keep) -> None:
        """Before a login uses up a token: whether it could be kept.

        Raises:
            UserFacingError: code NO_KEYRING.
        """
        if keep is Keep.KEYRING:
            store_for_login(use_file=False)

    def keep(self, url: str, token: str, keep: Keep) -> None:
        """Raises: UserFacingError."""
        if keep is Keep.SESSION:
            self._session[url] = token
        else:
            store_for_login(use_file=keep is Keep.FILE).write(url, token)

    def forget(self, url: str) -> None:
        self._session.pop(url, None)
        FileTokens(default_token_file()).forget(url)
        keyring = system_keyring()
        if keyring is not None:
            keyring.forget(url)
