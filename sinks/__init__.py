"""ClickHouse: migrations, writer, and the embedded server."""
