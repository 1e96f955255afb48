"""Many partitions at a time: each is counted in a process of its own."""

import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from multiprocessing.sharedctypes import Synchronized

from schemas.errors import Unavailable
from scripts.recount.archive import Archive, read_archive
from scripts.recount.expected import Expected, add_up
from scripts.recount.model import Record, Rules
from scripts.recount.partition import PartitionSums, count_partition

READINGS = 2  # count_partition reads each partition twice
TELL_EVERY_RECORDS = 5_000
TELL_EVERY_S = 0.3

_read_records: "Synchronized[int] | None" = None


def recount_archives(
    archives: Sequence[Archive],
    rules: Rules,
    *,
    processes: int,
    tell: Callable[[int], None],
) -> Expected:
    """Recount archived partitions; `tell` gets the number of records counted so far.

    Raises:
        InputError: an archive is damaged.
        Unavailable: a process was ended from outside, which is what a lack of memory looks like.
    """
    context = get_context("spawn")
    read_records: Synchronized[int] = context.Value("Q", 0)
    largest_first = sorted(archives, key=lambda a: a.path.stat().st_size, reverse=True)
    with ProcessPoolExecutor(
        max_workers=max(1, min(processes, len(archives))),
        mp_context=context,
        initializer=_start,
        initargs=(read_records,),
    ) as pool:
        tasks = {pool.submit(_count, archive, rules) for archive in largest_first}
        try:
            parts = list(_results(tasks, lambda: tell(read_records.value // READINGS)))
        except BrokenProcessPool as error:
            raise Unavailable(
                "a counting process was ended from outside, perhaps for lack of memory: "
                "try again with --processes 1"
            ) from error
        except BaseException:
            for process in active_children():
                process.terminate()
            raise
    return add_up(parts, rules)


def _results(
    tasks: "set[Future[PartitionSums]]", tell: Callable[[], None]
) -> Iterator[PartitionSums]:
    while tasks:
        done, tasks = wait(tasks, timeout=TELL_EVERY_S, return_when=FIRST_COMPLETED)
        tell()
        for task in done:
            yield task.result()


def _start(read_records: "Synchronized[int]") -> None:
    global _read_records
    _read_records = read_records
    gc.disable()  # counting makes no cycles; the collector would walk millions of live objects
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop


def _count(archive: Archive, rules: Rules) -> PartitionSums:
    return count_partition(archive.topic, archive.partition, lambda: _told(archive), rules)


def _told(archive: Archive) -> Iterator[Record]:
    assert _read_records is not None, "the pool's initializer has run"
    for number, record in enumerate(read_archive(archive), start=1):
        yield record
        if number % TELL_EVERY_RECORDS == 0:
            with _read_records.get_lock():
                _read_records.value += TELL_EVERY_RECORDS
