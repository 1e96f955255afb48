"""The built-in dashboard: reads ClickHouse, and only that, and shows it live in a browser."""
