/** Entries with the addon of one platform, which a bundler can follow. */
declare module 'better-sqlite3/linux-x64' {
  import Database from 'better-sqlite3';
  export default Database;
}

declare module 'better-sqlite3/linux-arm64' {
  import Database from 'better-sqlite3';
  export default Database;
}
