-- What an experiment asks, in words. (Without a cluster the second statement finds the column that the
-- first has added.)
ALTER TABLE {database}.experiments{local} {on_cluster}
    ADD COLUMN IF NOT EXISTS question String CODEC(ZSTD(1)) AFTER experiment;

ALTER TABLE {database}.experiments {on_cluster}
    ADD COLUMN IF NOT EXISTS question String AFTER experiment;
