"""ClickHouse behind TLS: seen with its authority, refused without, and no password where people look."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dashboard.parameters import asks_of
from dashboard.queries import PANELS
from dashboard.reader import Reader
from schemas.errors import ConfigError, EngageError, Unavailable
from sinks.client import connect, parse_url
from sinks.embedded import EmbeddedClickHouse
from streams.clients import kafka_options, tls_context
from streams.config import Settings
from tests.certificates import Authority


@asynccontextmanager
async def behind_tls(server: EmbeddedClickHouse, authority: Authority) -> AsyncIterator[int]:
    """A proxy that speaks TLS before the server; yields its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.sign("clickhouse"))
    target = parse_url(server.url)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(target.host, target.port)
        await asyncio.gather(copy(reader, forth), copy(back, writer), return_exceptions=True)

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield int(proxy.sockets[0].getsockname()[1])
    finally:
        proxy.close()


async def test_clickhouse_over_tls(
    clickhouse: EmbeddedClickHouse, migrated: str, tmp_path: Path
) -> None:
    authority, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    password = parse_url(clickhouse.url).password
    async with behind_tls(clickhouse, authority) as port:
        url = f"https://default:{password}@127.0.0.1:{port}"

        def ask(full: str) -> object:
            client = connect(full, migrated)
            try:
                return client.command("SELECT 1")
            finally:
                client.close()

        assert await asyncio.to_thread(ask, f"{url}?ca={authority.ca}") == 1
        for wrong in (url, f"{url}?ca={other.ca}"):
            with pytest.raises(Unavailable, match=r"certificate|SSL") as error:
                await asyncio.to_thread(ask, wrong)
            assert password not in str(error.value)

        (ask_panel,) = asks_of((next(iter(PANELS.values())),), {})
        reader = Reader(f"{url}?ca={authority.ca}", migrated)
        try:
            await reader.rows(ask_panel)
        finally:
            await reader.close()
        reader = Reader(url, migrated)
        try:
            with pytest.raises(EngageError):
                await reader.rows(ask_panel)
        finally:
            await reader.close()


def test_no_password_in_what_is_shown_of_an_address() -> None:
    address = parse_url("https://u:s3cret@h")
    assert (address.port, address.password) == (8443, "s3cret")
    assert "s3cret" not in f"{address} {address!r}"
    with pytest.raises(ConfigError, match="no such file") as error:
        parse_url("https://u:s3cret@h?ca=/nowhere")
    assert "s3cret" not in str(error.value)


def test_a_plain_kafka_needs_no_keys() -> None:
    options = kafka_options("a:1,b:2", Settings())
    assert options == {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}


def test_what_a_secured_kafka_needs_is_handed_on(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("client")
    settings = Settings(
        kafka_user="u",
        kafka_password="p",
        kafka_sasl="PLAIN",
        kafka_ca=str(authority.ca),
        kafka_cert=str(cert),
        kafka_key=str(key),
    )
    options = kafka_options("SASL_SSL://a:1", settings)
    assert options["security_protocol"] == "SASL_SSL"
    assert (options["sasl_mechanism"], options["sasl_plain_username"]) == ("PLAIN", "u")
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname
    assert "sasl_mechanism" not in kafka_options("SSL://a:1", settings)
    assert "ssl_context" not in kafka_options("SASL_PLAINTEXT://a:1", settings)


def test_files_that_are_no_certificates_are_said(tmp_path: Path) -> None:
    file = tmp_path / "empty.pem"
    file.touch()
    with pytest.raises(ConfigError, match=r"empty\.pem"):
        tls_context(str(file), "", "")
