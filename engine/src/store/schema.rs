//! The tables of a store and how an older store becomes a newer one.

/// In the file's header: `CrfS`, so that other programs' databases are not taken for stores.
pub(crate) const APPLICATION_ID: i32 = 0x4372_6653;

/// What each version adds to the one before; the version is how many have been run.
pub(crate) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

/// Our own tables begin with `cf_`; those of records are named by site and kind.
///
/// `cf_page` is what is known of a page over all sessions, numbered in the order of discovery, so
/// that all that is written later for it lies beside what was found with it. `cf_visit` is its
/// state in one session. `cf_waiting` holds only what waits, in the order of admission.
const VERSION_1: &str = "
CREATE TABLE cf_meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE cf_host (
  id INTEGER PRIMARY KEY, scheme TEXT NOT NULL, name TEXT NOT NULL, port INTEGER NOT NULL,
  learned TEXT, UNIQUE (scheme, name, port));
CREATE TABLE cf_session (
  id INTEGER PRIMARY KEY, site TEXT NOT NULL, mode TEXT NOT NULL, state TEXT NOT NULL,
  site_text TEXT NOT NULL, origin TEXT NOT NULL, source TEXT, seed INTEGER NOT NULL,
  began_at INTEGER NOT NULL, ended_at INTEGER, result TEXT, next_seq INTEGER NOT NULL DEFAULT 1,
  batch INTEGER NOT NULL DEFAULT 0, batch_pages INTEGER NOT NULL DEFAULT 0,
  records INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE cf_stage (
  session INTEGER NOT NULL, stage INTEGER NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (session, stage)) WITHOUT ROWID;
CREATE TABLE cf_page (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL, url TEXT NOT NULL, done_in INTEGER, etag TEXT,
  last_modified TEXT, hash BLOB);
CREATE UNIQUE INDEX cf_page_key ON cf_page (key);
CREATE TABLE cf_alias (
  key BLOB PRIMARY KEY, session INTEGER NOT NULL, page INTEGER NOT NULL, url TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE cf_visit (
  session INTEGER NOT NULL, page INTEGER NOT NULL, seq INTEGER NOT NULL, stage INTEGER NOT NULL,
  batch INTEGER NOT NULL, host INTEGER NOT NULL, depth INTEGER NOT NULL, phase INTEGER NOT NULL,
  due_at INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  dispatched INTEGER NOT NULL DEFAULT 0, throttled INTEGER NOT NULL DEFAULT 0, reason TEXT,
  suspect INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, carried TEXT NOT NULL,
  PRIMARY KEY (session, page)) WITHOUT ROWID;
CREATE INDEX cf_visit_failed ON cf_visit (session, stage, batch, seq) WHERE phase = 8;
CREATE INDEX cf_visit_dead ON cf_visit (session, seq) WHERE phase = 9;
CREATE TABLE cf_waiting (
  session INTEGER NOT NULL, batch INTEGER NOT NULL, host INTEGER NOT NULL, seq INTEGER NOT NULL,
  page INTEGER NOT NULL, PRIMARY KEY (session, batch, host, seq)) WITHOUT ROWID;
CREATE TABLE cf_in_flight (
  session INTEGER NOT NULL, page INTEGER NOT NULL, lone INTEGER NOT NULL,
  PRIMARY KEY (session, page)) WITHOUT ROWID;
CREATE TABLE cf_count (
  session INTEGER NOT NULL, batch INTEGER NOT NULL, stage INTEGER NOT NULL,
  phase INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (session, batch, stage, phase)) WITHOUT ROWID;
CREATE TABLE cf_host_count (
  session INTEGER NOT NULL, host INTEGER NOT NULL, waiting INTEGER NOT NULL,
  finished INTEGER NOT NULL, PRIMARY KEY (session, host)) WITHOUT ROWID;
CREATE TABLE cf_reason (
  session INTEGER NOT NULL, phase INTEGER NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (session, phase, reason)) WITHOUT ROWID;
CREATE TABLE cf_attempt (
  session INTEGER NOT NULL, page INTEGER NOT NULL, dispatch INTEGER NOT NULL,
  ended_at INTEGER NOT NULL, began_at INTEGER NOT NULL, fetch_us INTEGER NOT NULL,
  parse_us INTEGER NOT NULL, bytes INTEGER NOT NULL, status INTEGER, class TEXT, message TEXT,
  PRIMARY KEY (session, page, dispatch, ended_at)) WITHOUT ROWID;
CREATE TABLE cf_evidence (
  session INTEGER NOT NULL, page INTEGER NOT NULL, at INTEGER NOT NULL, message TEXT NOT NULL,
  head TEXT, body BLOB, PRIMARY KEY (session, page));
CREATE TABLE cf_result (
  session INTEGER NOT NULL, batch INTEGER, stage INTEGER, at INTEGER NOT NULL,
  result TEXT NOT NULL);
CREATE INDEX cf_result_session ON cf_result (session);
CREATE TABLE cf_setting (
  session INTEGER, at INTEGER NOT NULL, name TEXT NOT NULL, old TEXT NOT NULL,
  new TEXT NOT NULL);
CREATE TABLE cf_record_table (
  id INTEGER PRIMARY KEY, site TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  UNIQUE (site, kind));
CREATE TABLE cf_record_field (
  record_table INTEGER NOT NULL, name TEXT NOT NULL, column_name TEXT NOT NULL,
  type TEXT NOT NULL, position INTEGER, PRIMARY KEY (record_table, name)) WITHOUT ROWID;
CREATE TABLE cf_record_change (
  record_table INTEGER NOT NULL, identity TEXT NOT NULL, at TEXT NOT NULL,
  session INTEGER NOT NULL, field TEXT NOT NULL, old TEXT, new TEXT);
CREATE INDEX cf_record_change_identity ON cf_record_change (record_table, identity);
";

/// `cf_cookie` is what servers set, by session and place in its jar: a copy of the file for others
/// leaves it out, a backup keeps it. `cf_remark` is what a session says at its end; `cf_remarked`
/// names the pages that may be read again after their remarks were counted. `rules` are the oldest
/// by which anything that a page carries was read (`extract::RULES`).
const VERSION_2: &str = "
CREATE TABLE cf_cookie (
  session INTEGER NOT NULL, place TEXT NOT NULL, cookie TEXT NOT NULL,
  PRIMARY KEY (session, place)) WITHOUT ROWID;
CREATE TABLE cf_remark (
  session INTEGER NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL, first TEXT NOT NULL,
  PRIMARY KEY (session, kind)) WITHOUT ROWID;
CREATE TABLE cf_remarked (
  session INTEGER NOT NULL, page INTEGER NOT NULL, PRIMARY KEY (session, page)) WITHOUT ROWID;
ALTER TABLE cf_visit ADD COLUMN rules INTEGER NOT NULL DEFAULT 1;
";
