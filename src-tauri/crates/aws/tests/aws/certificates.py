"""Makes a CA and a certificate of it for 127.0.0.1 in the folder that is named."""

import datetime
import ipaddress
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

FOLDER = pathlib.Path(sys.argv[1])
NOW = datetime.datetime.now(datetime.timezone.utc)


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject, key, extensions, signer):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("A CA of one's own"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


ca, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
FOLDER.joinpath("ca.pem").write_bytes(
    certificate("A CA of one's own", ca, [(x509.BasicConstraints(True, None), True)], ca)
)
FOLDER.joinpath("server.pem").write_bytes(certificate("127.0.0.1", server, [(address, False)], ca))
FOLDER.joinpath("server.key").write_bytes(
    server.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
)
