"""Stopping Kafka clients."""

import asyncio
from typing import Any


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
