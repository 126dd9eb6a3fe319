"""The organisations of the network and the identity providers that vouch for their people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trust:
    """An organisation of the network, by ODS code."""

    ods: str
    name: str


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An OpenID Connect issuer whose identity tokens are accepted.

    ``audiences`` are the values of ``aud`` accepted in its tokens: the client ids under which the network is known
    there. ``ods`` is the one trust it may speak for; None is a national provider, which may speak for any.
    """

    issuer: str
    ods: str | None
    jwks_uri: str
    audiences: tuple[str, ...]

    @property
    def names(self) -> str:
        """Give in whose names its subjects are: the trust's, by ODS code, or its own when it is national."""
        return self.ods or self.issuer

    def vouches_for(self, ods: str) -> bool:
        """Say whether it may assert that somebody acts for an organisation."""
        return self.ods is None or self.ods == ods
