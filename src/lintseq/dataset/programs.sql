PRAGMA locking_mode = EXCLUSIVE;  -- no shared memory beside the file: works on network file systems too
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -131072;  -- in units of 1,024 bytes, if negative
CREATE TABLE IF NOT EXISTS programs (number INTEGER PRIMARY KEY, name TEXT, signature BLOB);
CREATE TABLE IF NOT EXISTS keys (key INTEGER, number INTEGER, PRIMARY KEY (key, number)) WITHOUT ROWID;
BEGIN;
