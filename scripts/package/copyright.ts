import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const sourceMap = z.object({ sources: z.array(z.string()) });
const manifest = z.looseObject({ version: z.string(), license: z.string().optional() });

const APACHE =
  'On Debian systems the text of the license is in /usr/share/common-licenses/Apache-2.0.';

const HEAD = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: offhook

Files: *
Copyright: the authors of Offhook
License: Apache-2.0

License: Apache-2.0
 ${APACHE}
`;

/** debian/copyright of a program: our own, and what is bundled with it. */
export function programCopyright(root: string, bundle: string): string {
  const parts = bundledPackages(join(root, bundle)).map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license: named } = manifest.parse(readJson(join(folder, 'package.json')));
    const written = licenseText(folder) ?? readmeSection(folder);
    const license = named ?? (written?.includes('MIT License') === true ? 'MIT' : undefined);
    if (license === undefined) throw new Error(`${name} does not say what its license is`);
    const text = written ?? `${license}, as its package.json says.`;
    return [
      `Files: npm/${name}`,
      `Comment: version ${version}, bundled`,
      `Copyright: ${holders(text)}`,
      `License: ${name.replaceAll(/[@/]/g, '-').replace(/^-/, '')}-${license.replaceAll(/[^\w.-]+/g, '-')}`,
      indented(license === 'Apache-2.0' ? APACHE : text),
      '',
    ].join('\n');
  });
  return [HEAD, ...parts].join('\n');
}

/** debian/copyright of Node.js, whose licence file has those of all its parts. */
export function nodeCopyright(nodePackage: string): string {
  const text = licenseText(nodePackage);
  if (text === undefined) throw new Error(`${nodePackage} has no LICENSE`);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: node.js

Files: *
Copyright: Node.js contributors and others, as named below
License: node.js
${indented(text)}
`;
}

/** npm packages with code in the bundle, as its source maps say. */
function bundledPackages(folder: string): string[] {
  const names = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js.map'))) {
    for (const source of sourceMap.parse(readJson(join(folder, file))).sources) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1];
      if (name !== undefined) names.add(name);
    }
  }
  return [...names].toSorted();
}

function licenseText(folder: string): string | undefined {
  const file = readdirSync(folder).find((name) => /^licen[cs]e(\.(md|txt))?$/i.test(name));
  return file === undefined ? undefined : readFileSync(join(folder, file), 'utf8').trim();
}

/** Where older packages have it. */
function readmeSection(folder: string): string | undefined {
  const file = readdirSync(folder).find((name) => /^readme(\.md)?$/i.test(name));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
  return /^#+ *licen[cs]e *$([\s\S]*)/im.exec(text)?.[1]?.trim();
}

function holders(text: string): string {
  const lines = text.split('\n').filter((line) => /^\W*copyright\b.*\w{3}/i.test(line));
  return lines[0]?.replace(/^\W*copyright\s*/i, '').trim() ?? 'its authors';
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}

function readJson(path: string): unknown {
  if (!existsSync(path)) throw new Error(`${path} is not there (npm run setup)`);
  return JSON.parse(readFileSync(path, 'utf8'));
}
