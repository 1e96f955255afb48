"""A deterministic simulation of the pure pipeline with its checkpoint protocol.

tables       ClickHouse in memory: of the rows of one key the highest version stands
views        the public views over it, as sinks/migrations define them
verdict      tables against the independent recount of the log
story        logs: small steps that become records of both topics
core         one partition's way from records to rows and pages
kafka        the changelog with transactions and compaction, or with markers
worker       an owner of partitions: take-over, runs, flushes, step by step
world        one seed decides everything: cuts, crashes, zombies, rebalances, compaction
mutations    the rules of the design's section 4, each broken on purpose

`python -m tests.simulation --seed N` replays one seed, `--seeds A:B` runs many.
"""
