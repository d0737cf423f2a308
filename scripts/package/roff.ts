/** Text as roff takes it (man(7)): nothing in it is a request or an escape. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/^([.'])/gm, String.raw`\&$1`)
    .replaceAll(/`([^`]*)`/g, String.raw`\fB$1\fR`)
    .replaceAll('“', String.raw`\(lq`)
    .replaceAll('”', String.raw`\(rq`)
    .replaceAll('’', String.raw`\(cq`)
    .replaceAll('–', String.raw`\(en`)
    .replaceAll('…', '...');
}

/** One manual page, line by line. */
export class ManPage {
  readonly #lines: string[];

  constructor(page: {
    readonly name: string;
    readonly section: number;
    readonly date: string;
    readonly version: string;
    readonly title: string;
  }) {
    const { name, section, date, version, title } = page;
    this.#lines = [
      `.TH ${roff(name.toUpperCase())} ${section} "${date}" "Offhook ${version}" "Offhook"`,
      // Long words would tear lines apart.
      '.ad l',
      '.nh',
      '.SH NAME',
      String.raw`${roff(name)} \- ${roff(title)}`,
    ];
  }

  section(title: string): this {
    this.#lines.push(`.SH ${roff(title)}`);
    return this;
  }

  heading(title: string): this {
    this.#lines.push(`.SS "${roff(title)}"`);
    return this;
  }

  /** A paragraph for each line. */
  text(text: string): this {
    for (const line of text.split('\n')) this.#lines.push('.PP', roff(line));
    return this;
  }

  /** A term, in bold, and what it means. */
  item(term: string, text: string): this {
    this.#lines.push('.TP', String.raw`\fB${roff(term)}\fR`, roff(text === '' ? '\u{A0}' : text));
    return this;
  }

  /** Lines as they are. */
  verbatim(text: string): this {
    this.#lines.push('.PP', '.nf', ...text.split('\n').map(roff), '.fi');
    return this;
  }

  toString(): string {
    return `${this.#lines.join('\n').replaceAll('\u{A0}', String.raw`\ `)}\n`;
  }
}
