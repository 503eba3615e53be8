"""A Kafka with passwords, certificates and permissions, in a container of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from integration.kafka_container import PORT, KafkaContainer
from integration.polling import eventually
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

USER = "worker"
PASSWORD = "kettle'7-plum%42 =,"
KEY_PASSWORD = "teapot-of-the-key-42"
COMMON_NAME = "worker-certificate"

_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

#: name -> (port, protocol). No name ends in SSL: the image would look for keystores of its own.
LISTENERS = {
    "LOGIN": (9192, "SASL_PLAINTEXT"),
    "LOGINTLS": (9193, "SASL_SSL"),
    "TLS": (9194, "SSL"),
    "MUTUAL": (9195, "SSL"),  # asks for the client's certificate
    "EXPIRED": (9196, "SSL"),
    "ELSEWHERE": (9197, "SSL"),  # with the certificate of another host
    "ASTRAY": (9198, "PLAINTEXT"),  # sends its clients to where nothing listens
}
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of the client, and the brokers' keystores."""

    ca: Path
    other_ca: Path
    certificate: Path
    key: Path
    encrypted_key: Path
    expired: Path
    """A certificate of the client that has expired, and its key."""
    stores: dict[str, bytes]
    """The broker's stores: its certificates with their keys, and ``trusted``, whom it trusts."""

    @classmethod
    def made(cls, folder: Path, host: str) -> Self:
        ca, other_ca = trustme.CA(), trustme.CA()
        yesterday = datetime.now(UTC) - timedelta(days=1)
        past: dict[str, Any] = {"not_before": yesterday - timedelta(days=30), "not_after": yesterday}
        client = ca.issue_cert("worker.example", common_name=COMMON_NAME)
        names = ("localhost", "127.0.0.1", host)
        servers = {
            "server": ca.issue_cert(*names),
            "expired": ca.issue_cert(*names, **past),
            "elsewhere": ca.issue_cert("kafka.elsewhere.example"),
        }
        late = ca.issue_cert("worker.example", common_name=COMMON_NAME, **past)
        files = {
            "ca": ca.cert_pem.bytes(),
            "other-ca": other_ca.cert_pem.bytes(),
            "certificate": _chain(client),
            "key": _key(client, NoEncryption()),
            "encrypted-key": _key(client, BestAvailableEncryption(KEY_PASSWORD.encode())),
            "expired": _key(late, NoEncryption()) + _chain(late),
        }
        paths = {name: folder / f"{name}.pem" for name in files}
        for name, path in paths.items():
            path.write_bytes(files[name])
        stores = {name: _key(leaf, NoEncryption()) + _chain(leaf) for name, leaf in servers.items()}
        return cls(
            ca=paths["ca"],
            other_ca=paths["other-ca"],
            certificate=paths["certificate"],
            key=paths["key"],
            encrypted_key=paths["encrypted-key"],
            expired=paths["expired"],
            stores=stores | {"trusted": files["ca"]},
        )


def _chain(leaf: trustme.LeafCert) -> bytes:
    return b"".join(pem.bytes() for pem in leaf.cert_chain_pems)


def _key(leaf: trustme.LeafCert, encryption: KeySerializationEncryption) -> bytes:
    """PKCS 8, which Kafka wants."""
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _entry(operation: str, resource: str, name: str) -> ACLFilter:
    pattern = ResourcePatternFilter(ResourceType[resource.upper()], name, ACLResourcePatternType.LITERAL)
    return ACLFilter(f"User:{USER}", "*", ACLOperation[operation.upper()], ACLPermissionType.ALLOW, pattern)


class SecuredKafka(KafkaContainer):
    """Only the plaintext listener allows everything; on the others users may do what they were allowed."""

    certificates: Certificates

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.with_exposed_ports(*(port for port, _ in LISTENERS.values()))
        self._folder = folder
        self._admin_client: KafkaAdminClient | None = None
        own = ",".join(f"{name}://:{port}" for name, (port, _) in LISTENERS.items())
        protocols = ",".join(f"{name}:{protocol}" for name, (_, protocol) in LISTENERS.items())
        inner = "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
        self.with_envs(
            KAFKA_LISTENERS=f"PLAINTEXT://:{PORT},{own},INTERNAL://localhost:19092,CONTROLLER://:9093",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=f"PLAINTEXT:PLAINTEXT,{protocols},{inner}",
            KAFKA_AUTHORIZER_CLASS_NAME="org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            KAFKA_SUPER_USERS="User:ANONYMOUS",
            KAFKA_SASL_ENABLED_MECHANISMS="PLAIN,SCRAM-SHA-256",
            KAFKA_SSL_KEYSTORE_TYPE="PEM",
            KAFKA_SSL_KEYSTORE_LOCATION="/tmp/server.pem",
            KAFKA_SSL_TRUSTSTORE_TYPE="PEM",
            KAFKA_SSL_TRUSTSTORE_LOCATION="/tmp/trusted.pem",
            KAFKA_LISTENER_NAME_MUTUAL_SSL_CLIENT_AUTH="required",
            KAFKA_LISTENER_NAME_EXPIRED_SSL_KEYSTORE_LOCATION="/tmp/expired.pem",
            KAFKA_LISTENER_NAME_ELSEWHERE_SSL_KEYSTORE_LOCATION="/tmp/elsewhere.pem",
        )
        for listener in ("LOGIN", "LOGINTLS"):
            jaas = f"KAFKA_LISTENER_NAME_{listener}_%s_SASL_JAAS_CONFIG"
            self.with_env(jaas % "PLAIN", f'{_PLAIN} required user_{USER}="{PASSWORD}";')
            self.with_env(jaas % "SCRAM___SHA___256", f"{_SCRAM} required;")

    def address(self, listener: str) -> str:
        """Where clients reach a listener: host:port."""
        port, _ = LISTENERS[listener]
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(port)}"

    def more_listeners(self) -> dict[str, str]:
        return {name: self.address(name) for name in LISTENERS} | {"ASTRAY": NOWHERE}

    def prepare(self) -> None:
        self.certificates = Certificates.made(self._folder, self.get_container_host_ip())
        for name, content in self.certificates.stores.items():
            self.copy_into_container(content, f"/tmp/{name}.pem")

    def login(self, mechanism: str = "PLAIN", **changes: object) -> dict[str, object]:
        """Settings with which the user logs in."""
        settings = {
            "bootstrap_servers": self.address("LOGIN"),
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": mechanism,
            "sasl_username": USER,
            "sasl_password": PASSWORD,
        }
        return settings | changes

    def tls(self, listener: str = "TLS", **changes: object) -> dict[str, object]:
        """Settings of a client that trusts the brokers' CA."""
        settings = {
            "bootstrap_servers": self.address(listener),
            "security_protocol": "SSL",
            "ssl_cafile": self.certificates.ca,
        }
        return settings | changes

    def let_log_in_by_scram(self) -> None:
        credential = UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_256, PASSWORD)
        self._admin().alter_user_scram_credentials([credential])

    def allow(self, operation: str, resource: str, name: str) -> None:
        """Let the user do this; ``resource`` is topic or group. Returns once it is in force."""
        pattern = ResourcePattern(ResourceType[resource.upper()], name)
        acl = ACL(f"User:{USER}", "*", ACLOperation[operation.upper()], ACLPermissionType.ALLOW, pattern)
        answer = self._admin().create_acls([acl])
        assert not answer["failed"]
        eventually(lambda: self._allowed(_entry(operation, resource, name)), "the permission is in force")

    def forbid(self, operation: str, resource: str, name: str) -> None:
        """Let the user do this no longer. Returns once that is in force."""
        entry = _entry(operation, resource, name)
        ((_, removed, _),) = self._admin().delete_acls([entry])
        assert removed
        eventually(lambda: not self._allowed(entry), "the permission is gone")

    def _allowed(self, entry: ACLFilter) -> bool:
        found, _ = self._admin().describe_acls(entry)
        return bool(found)

    def group(self, name: str) -> tuple[str, list[str]]:
        """A group's state and its members."""
        described = self._admin().describe_groups([name])[name]
        return described["group_state"], sorted(member["member_id"] for member in described["members"])

    def _admin(self) -> KafkaAdminClient:
        if self._admin_client is None:
            self._admin_client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        return self._admin_client

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        if self._admin_client is not None:
            self._admin_client.close()
        super().stop(force, delete_volume)
