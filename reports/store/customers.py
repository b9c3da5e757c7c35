"""The key by which customers are counted without being named.

It is ``CALLAUDIT_CUSTOMER_KEY`` of the environment or, without that, ``OUT/private/customer.key``,
which is made when a customer is first named and never leaves this machine. What it makes of a
constant is kept beside it, so that another key is noticed before it splits each customer in two.
"""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field

from audit.errors import UsageError
from audit.privacy import customers
from reports.store.layout import Layout
from reports.store.private import PrivateStore

KEY = "CALLAUDIT_CUSTOMER_KEY"
"""Names the variable of the environment that has the key."""
_MIN_LENGTH = 32
_PROVES = "callaudit customers"


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """The key of one output folder; :meth:`hashed` needs it, :meth:`keep` makes it last."""

    layout: Layout
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, layout: Layout) -> CustomerKey:
        """The key that customers under OUT are hashed with; a new one where there are none yet.

        Nothing is written.

        Raises:
            UsageError: it is too short, or another one than that of the customers in the tables.
        """
        stored = _read(layout.customer_key)
        given = os.environ.get(KEY, "").strip() or stored
        if given and len(given) < _MIN_LENGTH:
            raise UsageError(
                f"{KEY} is too short to keep numbers secret; make one of {_MIN_LENGTH} characters "
                'or more with `python -c "import secrets; print(secrets.token_hex(32))"`'
            )
        own = cls(layout, (given or secrets.token_hex(32)).encode())
        proof = _read(layout.customer_proof)
        if proof and not hmac.compare_digest(proof, own._proof):
            wrong = "another key" if given else "a key that is missing here"
            raise UsageError(
                f"customers in {layout.root} were hashed with {wrong}; set {KEY} to the right one, "
                f"or, if it is lost, remove {layout.customer_proof} to begin with a new one: calls "
                "of one customer from before and after then count as those of two"
            )
        return own

    def hashed(self, given: str) -> str | None:
        """What the tables have for a customer; None where nobody in particular is meant."""
        return customers.hashed(given, self.key)

    def keep(self) -> None:
        """Make sure that later nights have the key, or notice that theirs is another.

        Raises:
            OutputFailed: it cannot be written.
        """
        files = {self.layout.customer_proof: self._proof}
        if not os.environ.get(KEY, "").strip():
            files = {self.layout.customer_key: self.key.decode(), **files}
        for path, text in files.items():
            if _read(path) != text:
                PrivateStore(self.layout).place_file(path, f"{text}\n".encode())

    @property
    def _proof(self) -> str:
        return hmac.new(self.key, _PROVES.encode(), "sha256").hexdigest()


def _read(path: os.PathLike[str]) -> str:
    """A file's text; empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({os.strerror(error.errno or 0)}); it is for its owner only: "
            "run this as the user that owns it"
        ) from error
