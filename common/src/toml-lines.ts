/** Finds where keys stand in a TOML text, so that a complaint about a value can name its line. */

export type KeyPath = readonly (string | number)[];

/**
 * Line numbers (from 1) of every key and array element of a *valid* TOML document, for look-up by
 * path. The parser proper reports syntax errors; on text that it refused the result is incomplete.
 */
export class TomlLines {
  readonly #lines = new Map<string, number>();

  constructor(text: string) {
    new Scanner(text, (path, line) => {
      const key = JSON.stringify(path);
      if (!this.#lines.has(key)) this.#lines.set(key, line);
    }).document();
  }

  /** The line of that key; of the nearest table around it when the key is not there; else 1. */
  lineOf(path: KeyPath): number {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }
}

/** `account[0].aor`, for people. */
export function dottedKey(path: KeyPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const text = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part);
      return index === 0 ? text : `.${text}`;
    })
    .join('');
}

/** One pass over valid TOML. It knows just enough of values to step over them. */
class Scanner {
  readonly #text: string;
  readonly #found: (path: KeyPath, line: number) => void;
  #at = 0;
  #line = 1;
  #table: KeyPath = [];
  /** Elements so far of each array of tables, by its path. */
  readonly #elements = new Map<string, number>();

  constructor(text: string, found: (path: KeyPath, line: number) => void) {
    this.#text = text;
    this.#found = found;
  }

  document(): void {
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.#text.length) return;
      const before = this.#at;
      if (this.#peek() === '[') this.#header();
      else this.#keyValue(this.#table);
      // On text that is not TOML: one character further, so that the pass always ends.
      if (this.#at === before) this.#advance();
    }
  }

  #header(): void {
    const line = this.#line;
    const array = this.#text.startsWith('[[', this.#at);
    this.#at += array ? 2 : 1;
    const keys = this.#key();
    this.#at = Math.max(this.#at, this.#text.indexOf(']', this.#at)) + (array ? 2 : 1);

    let path: KeyPath = [];
    for (const [index, key] of keys.entries()) {
      path = [...path, key];
      const id = JSON.stringify(path);
      const last = index === keys.length - 1;
      const count = this.#elements.get(id);
      if (array && last) {
        this.#elements.set(id, (count ?? 0) + 1);
        this.#found(path, line);
        path = [...path, count ?? 0];
      } else if (count !== undefined) {
        path = [...path, count - 1];
      }
    }
    this.#table = path;
    this.#found(path, line);
  }

  #keyValue(table: KeyPath): void {
    const line = this.#line;
    const keys = this.#key();
    for (let length = 1; length <= keys.length; length++) {
      this.#found([...table, ...keys.slice(0, length)], line);
    }
    if (this.#peek() !== '=') return;
    this.#advance();
    this.#skipSpaces();
    this.#value([...table, ...keys]);
  }

  /** A dotted key; stops at what follows it. */
  #key(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#skipSpaces();
      const quote = this.#peek();
      if (quote === '"' || quote === "'") {
        const start = this.#at;
        this.#string();
        const raw = this.#text.slice(start, this.#at);
        keys.push(quote === '"' ? unescape(raw) : raw.slice(1, -1));
      } else {
        const bare = /[A-Za-z0-9_-]*/y;
        bare.lastIndex = this.#at;
        const word = bare.exec(this.#text)?.[0] ?? '';
        this.#at += word.length;
        keys.push(word);
      }
      this.#skipSpaces();
      if (this.#peek() !== '.') return keys;
      this.#advance();
    }
  }

  #value(path: KeyPath): void {
    const first = this.#peek();
    if (first === '"' || first === "'") this.#string();
    else if (first === '{') this.#inside('}', () => this.#keyValue(path));
    else if (first === '[') {
      let index = 0;
      this.#inside(']', () => {
        const element = [...path, index++];
        this.#found(element, this.#line);
        this.#value(element);
      });
    } else {
      while (this.#at < this.#text.length && !/[,\]}\n#]/.test(this.#peek())) this.#advance();
    }
  }

  #inside(end: string, item: () => void): void {
    this.#advance();
    for (;;) {
      this.#skipBlank();
      const next = this.#peek();
      if (next === '') return;
      if (next === end) {
        this.#advance();
        return;
      }
      const before = this.#at;
      if (next === ',') this.#advance();
      else item();
      if (this.#at === before) this.#advance();
    }
  }

  #string(): void {
    const quote = this.#peek();
    const triple = quote.repeat(3);
    const long = this.#text.startsWith(triple, this.#at);
    const end = long ? triple : quote;
    this.#skip(end.length);
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      if (quote === '"' && this.#peek() === '\\') this.#advance();
      this.#advance();
    }
    this.#skip(end.length);
    // `""""` ends a long string with a quote inside it.
    if (long) while (this.#peek() === quote) this.#advance();
  }

  #skipBlank(): void {
    for (;;) {
      const next = this.#peek();
      if (next === '#') {
        while (this.#at < this.#text.length && this.#peek() !== '\n') this.#advance();
      } else if (next !== '' && ' \t\r\n'.includes(next)) this.#advance();
      else return;
    }
  }

  #skipSpaces(): void {
    while (this.#peek() === ' ' || this.#peek() === '\t') this.#advance();
  }

  #skip(count: number): void {
    for (let step = 0; step < count; step++) this.#advance();
  }

  #advance(): void {
    if (this.#peek() === '\n') this.#line++;
    this.#at++;
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }
}

function unescape(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
