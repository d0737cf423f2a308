/** Tells our file from any other SQLite database ("OHJL"). */
export const APPLICATION_ID = 0x4f48_4a4c;

/** Step n brings a file of version n to n + 1. Never changed once released, only added to. */
export const migrations: readonly string[] = [
  `CREATE TABLE calls (
     id TEXT PRIMARY KEY,
     changed INTEGER NOT NULL,
     data TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`,
  `CREATE TABLE history (
     number INTEGER PRIMARY KEY,
     data TEXT NOT NULL
   );`,
];

export const CURRENT_VERSION = migrations.length;
