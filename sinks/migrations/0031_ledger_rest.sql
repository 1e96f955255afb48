-- What was booked while 0030 copied.
INSERT INTO {database}.ledger SELECT * FROM {database}.ledger_replaced
SETTINGS max_partitions_per_insert_block = 0, distributed_foreground_insert = 1;
