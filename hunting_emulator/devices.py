"""Signing in on another device: codes that wait for a person, and tokens that renew a sign-in."""

import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from hunting_emulator.client_credentials import LoginRefusedError
from hunting_emulator.settings import ApiName

LIFETIME: Final = timedelta(minutes=15)
_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH: Final = 9
_WORDS: Final = {
    50173: "invalid_grant",
    65004: "authorization_declined",
    70016: "authorization_pending",
    70020: "expired_token",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """The tenant, the application and the API that a person is asked to sign in to."""

    tenant_id: str
    client_id: str
    api: ApiName


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that a person has yet to finish."""

    consent: Consent
    user_code: str
    expires: datetime
    answer: Literal["none", "approved", "declined"] = "none"


class Devices:
    """Codes and refresh tokens; safe to ask from several threads."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._refresh: dict[str, Consent] = {}
        self._lock = threading.Lock()

    def begin(self, consent: Consent, *, now: datetime) -> tuple[str, Pending]:
        """Return a device code, for the client to poll with, and the sign-in that waits."""
        user_code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        device_code = secrets.token_urlsafe(96)
        with self._lock:
            self._pending[device_code] = Pending(consent, user_code, now + LIFETIME)
            return device_code, self._pending[device_code]

    def decide(self, user_code: str | None, *, approve: bool) -> int:
        """Finish the sign-in of a user code, or all that wait; return how many were finished."""
        answer: Literal["approved", "declined"] = "approved" if approve else "declined"
        with self._lock:
            chosen = [c for c, p in self._pending.items() if user_code in {None, p.user_code}]
            for code in chosen:
                self._pending[code] = replace(self._pending[code], answer=answer)
        return len(chosen)

    def redeem(self, device_code: str, *, now: datetime) -> Consent:
        """Return the consent behind a device code, once.

        Raises:
            LoginRefusedError: not yet, no more, or never.
        """
        with self._lock:
            pending = self._pending.get(device_code)
            if pending is None or pending.expires <= now:
                raise _refusal(70020, "This device code has expired.")
            if pending.answer == "none":
                text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
                raise _refusal(70016, text)
            del self._pending[device_code]
        if pending.answer == "declined":
            text = "User declined to consent to access the app."
            raise _refusal(65004, text)
        return pending.consent

    def keep(self, consent: Consent) -> str:
        """Return a refresh token for a consent."""
        token = secrets.token_urlsafe(64)
        with self._lock:
            self._refresh[token] = consent
        return token

    def renew(self, refresh_token: str, *, api: ApiName | None) -> Consent:
        """Return the consent behind a refresh token, for another API if one is given.

        Raises:
            LoginRefusedError: the token is unknown or was revoked.
        """
        with self._lock:
            consent = self._refresh.get(refresh_token)
        if consent is None:
            text = (
                "The provided grant has expired due to it being revoked, a fresh auth token is "
                "needed."
            )
            raise _refusal(50173, text)
        return consent if api is None else replace(consent, api=api)

    def reset(self) -> None:
        """Forget every code and refresh token."""
        with self._lock:
            self._pending.clear()
            self._refresh.clear()


def _refusal(code: int, text: str) -> LoginRefusedError:
    return LoginRefusedError(400, _WORDS[code], code, text)
