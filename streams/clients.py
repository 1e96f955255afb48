"""Kafka clients: how they connect, and how they stop."""

import asyncio
import ssl
from functools import cache
from typing import Any

from schemas.errors import ConfigError
from streams.config import Settings, load_settings, split_kafka


def kafka_options(kafka: str, settings: Settings | None = None) -> dict[str, Any]:
    """Return what every aiokafka client needs to connect to an address as in ENGAGE_KAFKA.

    The address says whether TLS and SASL are spoken; keys and passwords are those of `settings`, else
    of the environment.

    Raises:
        ConfigError: certificates cannot be read, or nobody says who we are.
    """
    protocol, addresses = split_kafka(kafka)
    options: dict[str, Any] = {"bootstrap_servers": addresses, "security_protocol": protocol}
    if protocol == "PLAINTEXT":
        return options
    settings = (settings or load_settings()).with_(kafka=kafka)  # checks what belongs together
    if protocol.endswith("SSL"):
        files = (settings.kafka_ca, settings.kafka_cert, settings.kafka_key)
        options["ssl_context"] = tls_context(*files)
    if protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl
        options["sasl_plain_username"] = settings.kafka_user
        options["sasl_plain_password"] = settings.kafka_password
    return options


@cache
def tls_context(ca: str, cert: str, key: str) -> ssl.SSLContext:
    """Return a context that trusts `ca`, else the system's; `cert` and `key` are the client's own.

    Raises:
        ConfigError: a file holds no certificate or key.
    """
    try:
        context = ssl.create_default_context(cafile=ca or None)
        if cert:
            context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"TLS certificates {ca} {cert} {key}: {error}") from error
    return context


async def stop_client(client: Any) -> None:
    """Stop an aiokafka consumer or producer.

    While closing, aiokafka can let a CancelledError of one of its own tasks out (0.14,
    consumer/group_coordinator.py); only a cancellation of the calling task is passed on.
    """
    try:
        await client.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
