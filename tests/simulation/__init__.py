"""Deterministic simulations of the pipeline with its checkpoint protocol.

tables, views   ClickHouse in memory: of the rows of one key the highest version stands
verdict         tables against the independent recount of the log
story, ruleset  logs: small steps that become records of both topics, and the rules they meet
core, dump      one partition's way from records to rows and pages, and all of its state
kafka           the changelog with transactions and compaction, or with markers
services        what workers share: topics, ClickHouse with late rows, the group

Two simulations, one seed each, that meet the same chaos: cuts, crashes, zombies, rebalances,
lost and repeated runs, compaction, late rows.

protocol        the rules of the design's section 4 as switches; each one off is a mutation
checkpoints     a checkpoint on its way into the changelog
worker, world   the protocol step by step, with every switch: fast, and for breaking rules
real_*          the real Pipeline and CheckpointStore on simulated clients and a loop without time

`python -m tests.simulation --seed N` replays one seed, `--seeds A:B` runs many; see `--help`.
"""
