"""Self-signed certificates of clients, and how proxies write them into a header."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc.util import urlsafe_b64encode


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, both PEM."""

    pem: str
    key: str
    thumbprint: str

    @classmethod
    def made(cls, name: str, now: datetime, days: int = 30) -> "Certificate":
        """Make one that is valid around an instant; with negative days, one that was."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        until = now + timedelta(days=days)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, until) - timedelta(days=1))
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        thumbprint = urlsafe_b64encode(made.fingerprint(hashes.SHA256())).decode()
        return cls(made.public_bytes(serialization.Encoding.PEM).decode(), private.decode(), thumbprint)

    @property
    def nginx(self) -> str:
        """Give what nginx has in ``$ssl_client_escaped_cert``."""
        return quote(self.pem, safe="")

    def envoy(self, before: str = "By=spiffe://edge;Hash=00;") -> str:
        """Give what Envoy writes into ``X-Forwarded-Client-Cert``."""
        return f'{before}Cert="{quote(self.pem, safe="")}";Subject="CN=panels";URI='

    def write(self, folder: Path, name: str) -> tuple[str, str]:
        """Write certificate and key; gives their paths."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        for path, text in zip(paths, (self.pem, self.key), strict=True):
            path.write_text(text)
        return str(paths[0]), str(paths[1])
