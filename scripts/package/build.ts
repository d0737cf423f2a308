import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

import { nodeCopyright, programCopyright } from './copyright.ts';
import { LIBRARY, NODE, packages, type DebianPackage } from './packages.ts';
import { root, thisMachine, type Target } from './target.ts';
import { Tree } from './tree.ts';

const run = promisify(execFile);
/** As Debian's own tools take it (debchange(1)). */
const { DEBFULLNAME = 'Offhook', DEBEMAIL = 'offhook@localhost' } = process.env;
const MAINTAINER = `${DEBFULLNAME} <${DEBEMAIL}>`;
const systemPackages = z.looseObject({
  runtime: z.object({ packages: z.record(z.string(), z.string()) }),
});

interface Build {
  readonly version: string;
  readonly target: Target;
  /** Of the last commit: the same sources make the same packages. */
  readonly time: Date;
  readonly output: string;
}

/**
 * Makes the packages from what `npm run setup` has built.
 *
 * @returns their paths
 */
export async function buildPackages(output: string, target: Target): Promise<readonly string[]> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const { stdout: seconds } = await run('git', ['log', '-1', '--format=%ct'], { cwd: root });
  const build = { version, target, time: new Date(Number(seconds) * 1000), output };
  const system = systemPackages.parse(
    JSON.parse(await readFile(join(root, 'scripts/system-packages.json'), 'utf8')),
  );
  // Libraries are found by what the worker is linked with; plug-ins are loaded by name.
  const plugins = Object.keys(system.runtime.packages).filter((name) =>
    name.startsWith('gstreamer'),
  );
  await mkdir(output, { recursive: true });
  const made: string[] = [];
  for (const one of packages(plugins)) made.push(await buildPackage(one, build));
  return made;
}

async function buildPackage(one: DebianPackage, build: Build): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'offhook-package-'));
  try {
    const tree = new Tree(join(work, 'root'));
    await (one.program === undefined
      ? addRuntime(tree, build)
      : addProgram(tree, one.program, build));
    await addDocuments(tree, one, build);
    for (const path of tree.linked) await run(build.target.strip, ['--strip-unneeded', path]);
    await addControl(tree, one, build, await libraries(work, one));
    return await pack(tree, one, build);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function addRuntime(tree: Tree, { target }: Build): Promise<void> {
  await tree.copyExecutable(NODE, join(target.node, 'bin/node'));
}

async function addProgram(
  tree: Tree,
  { name, bundle, installation, pages, native }: NonNullable<DebianPackage['program']>,
  { version, time, target }: Build,
): Promise<void> {
  const folder = `${LIBRARY}/${name}`;
  const from = join(root, bundle);
  if (!existsSync(from)) throw new Error(`${from} is not there (npm run setup)`);
  await tree.copyFolder(folder, from, (file) => !/\.(map|node)$/.test(file));
  for (const file of await addons(from, target.cpu)) {
    await tree.copyLibrary(`${folder}/${file}`, join(from, file));
  }
  await tree.write(`${folder}/package.json`, '{"type":"module"}\n');
  for (const path of native) {
    await tree.copyExecutable(
      `${folder}/${path.slice(path.lastIndexOf('/') + 1)}`,
      target.native(path),
    );
  }
  const command = `/usr/bin/${name}`;
  await tree.write(command, `#!/bin/sh\nexec ${NODE} ${folder}/${name}.js "$@"\n`, true);
  for (const file of installation.files({ prefix: '/usr', program: [command] })) {
    await tree.write(file.path, file.content);
    if (file.configuration === true) tree.configuration.push(file.path);
  }
  const release = { version, date: time.toISOString().slice(0, 10) };
  for (const [page, text] of Object.entries(pages(release))) {
    await tree.writeCompressed(`/usr/share/man/man${page.slice(-1)}/${page}`, text);
  }
}

async function addDocuments(
  tree: Tree,
  one: DebianPackage,
  { version, time, target }: Build,
): Promise<void> {
  const folder = `/usr/share/doc/${one.name}`;
  await tree.write(
    `${folder}/copyright`,
    one.program === undefined
      ? nodeCopyright(target.node)
      : programCopyright(root, one.program.bundle),
  );
  const overrides = Object.entries(one.overrides).map(
    ([tag, reason]) => `# ${reason}\n${one.name}: ${tag} *\n`,
  );
  if (overrides.length > 0) {
    await tree.write(`/usr/share/lintian/overrides/${one.name}`, overrides.join(''));
  }
  const date = time.toUTCString().replace('GMT', '+0000');
  await tree.writeCompressed(
    `${folder}/changelog`,
    `offhook (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the sources.\n\n -- ${MAINTAINER}  ${date}\n`,
  );
}

/** Of addons, which come for several architectures, those of one. */
async function addons(folder: string, cpu: string): Promise<string[]> {
  const files = await readdir(folder);
  return files.filter((file) => file.startsWith(`linux-${cpu}-`) && file.endsWith('.node'));
}

/**
 * What the executables are linked with, as dependencies. They are looked up for those of this machine:
 * Debian's packages have the same names and versions on all architectures.
 */
async function libraries(work: string, { program }: DebianPackage): Promise<readonly string[]> {
  const { node, cpu, native } = await thisMachine();
  const bundle = program === undefined ? '' : join(root, program.bundle);
  const linked =
    program === undefined
      ? [join(node, 'bin/node')]
      : [
          ...(await addons(bundle, cpu)).map((file) => join(bundle, file)),
          ...program.native.map((path) => native(path)),
        ];
  if (linked.length === 0) return [];
  await mkdir(join(work, 'debian'));
  await writeFile(
    join(work, 'debian/control'),
    'Source: offhook\n\nPackage: offhook\nArchitecture: any\n',
  );
  const files = linked.map((path) => `-e${path}`);
  const { stdout } = await run('dpkg-shlibdeps', ['-O', ...files], { cwd: work });
  return (/^shlibs:Depends=(.*)$/m.exec(stdout)?.[1] ?? '').split(', ').filter(Boolean);
}

async function addControl(
  tree: Tree,
  one: DebianPackage,
  { version, target }: Build,
  linked: readonly string[],
): Promise<void> {
  const depends = [...linked, ...one.depends.map((text) => text.replace('${version}', version))];
  const control = [
    `Package: ${one.name}`,
    'Source: offhook',
    `Version: ${version}`,
    `Architecture: ${target.architecture}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${Math.ceil((await size(tree.root)) / 1024)}`,
    `Depends: ${[...new Set(depends)].toSorted().join(', ')}`,
    ...(one.recommends.length === 0 ? [] : [`Recommends: ${one.recommends.join(', ')}`]),
    `Section: ${one.section}`,
    'Priority: optional',
    `Description: ${one.summary}`,
    one.description.map((paragraph) => wrapped(paragraph)).join('\n .\n'),
    '',
  ];
  const configuration = tree.configuration.map((path) => `${path}\n`).join('');
  await tree.write('/DEBIAN/control', control.join('\n'));
  if (configuration !== '') await tree.write('/DEBIAN/conffiles', configuration);
  for (const [name, text] of Object.entries(one.scripts)) {
    await tree.write(`/DEBIAN/${name}`, `#!/bin/sh\nset -e\n${text}\n`, true);
  }
}

async function pack(tree: Tree, one: DebianPackage, build: Build): Promise<string> {
  const path = join(build.output, `${one.name}_${build.version}_${build.target.architecture}.deb`);
  // Quick rather than small: nearly all of it is Node.
  const options = ['--root-owner-group', '-Zxz', '-z1', '--build', tree.root, `${path}.new`];
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(build.time.getTime() / 1000) };
  await run('dpkg-deb', options, { env });
  await rename(`${path}.new`, path);
  return path;
}

async function size(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    sum += entry.isDirectory() ? await size(path) : (await stat(path)).size;
  }
  return sum;
}

/** A paragraph as lines of at most 79 characters, each begun with a space. */
function wrapped(paragraph: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line.length + word.length + 1 > 79) {
      lines.push(line);
      line = '';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
