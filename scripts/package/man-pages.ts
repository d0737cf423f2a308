import type { z } from 'zod';

import { buildProgram as ctiProgram } from '../../cti-bridge/src/cli/program.ts';
import { ctiConfigSchema } from '../../cti-bridge/src/service/config.ts';
import { engineConfig } from '../../media-engine-client/src/config.ts';
import { buildProgram as engineProgram } from '../../media-engine-client/src/cli/program.ts';
import { guestConfigSchema } from '../../softphone-guest/src/config.ts';
import { buildProgram as guestProgram } from '../../softphone-guest/src/cli/program.ts';
import { configTables } from '../docs/config-tables.ts';
import { ManPage } from './roff.ts';

type Program = ReturnType<typeof guestProgram>;

export interface Release {
  readonly version: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

/** The manual pages of one package by file name; made of the command line and schema that it has. */
export type ManPages = (release: Release) => Readonly<Record<string, string>>;

export const guestPages: ManPages = (release) => ({
  'offhook.1': commandPage(guestProgram({ output: silent }), release, {
    files: [
      ['~/.config/offhook/config.toml', 'configuration: offhook.toml(5)'],
      ['~/.local/state/offhook', 'state: control socket, log, history'],
      ['/etc/offhook/port-helper.toml', 'who may use the port of the virtual desktop'],
    ],
    also: ['offhook.toml(5)', 'offhook-engine(1)'],
  }),
  'offhook.toml.5': configPage('offhook.toml', guestConfigSchema, release, {
    title: 'configuration of the Offhook phone',
    file: '~/.config/offhook/config.toml',
    also: 'offhook(1)',
  }),
});

export const enginePages: ManPages = (release) => ({
  'offhook-engine.1': commandPage(engineProgram({ output: silent }), release, {
    files: [
      ['~/.config/offhook-engine/config.toml', 'configuration: offhook-engine.toml(5)'],
      ['~/.local/state/offhook-engine', 'state: sockets, sessions, settings'],
    ],
    also: ['offhook-engine.toml(5)', 'offhook(1)', 'remote-viewer(1)'],
  }),
  'offhook-engine.toml.5': configPage('offhook-engine.toml', engineConfig, release, {
    title: 'configuration of the Offhook engine',
    file: '~/.config/offhook-engine/config.toml',
    also: 'offhook-engine(1)',
  }),
});

export const ctiPages: ManPages = (release) => ({
  'offhook-cti.1': commandPage(ctiProgram(silent), release, {
    files: [
      ['/etc/offhook-cti/config.toml', 'configuration of the service: offhook-cti.toml(5)'],
      ['~/.config/offhook-cti/config.toml', 'configuration where --config does not name one'],
    ],
    also: ['offhook-cti.toml(5)', 'offhook(1)'],
  }),
  'offhook-cti.toml.5': configPage('offhook-cti.toml', ctiConfigSchema, release, {
    title: 'configuration of the Offhook CTI bridge',
    file: '/etc/offhook-cti/config.toml',
    also: 'offhook-cti(1)',
  }),
});

const silent = { out: () => undefined, err: () => undefined };

function commandPage(
  program: Program,
  { version, date }: Release,
  more: {
    readonly files: readonly (readonly [path: string, what: string])[];
    readonly also: readonly string[];
  },
): string {
  const name = program.name();
  const title = lowerFirst(program.description());
  const page = new ManPage({ name, section: 1, date, version, title });
  page.section('SYNOPSIS').text(`\`${name}\` [OPTION...] [COMMAND [ARGUMENT...]]`);
  page.section('OPTIONS');
  for (const option of program.options) page.item(option.flags, `${option.description}.`);
  page.item('-h, --help', 'help on the program, or after a command on that.');
  page.section('COMMANDS');
  for (const command of leaves(program)) describeCommand(page, command);
  const { examples, exitCodes } = appendix(program);
  page.section('EXAMPLES').verbatim(examples);
  page.section('EXIT STATUS').text(exitCodes);
  page.section('FILES');
  for (const [path, what] of more.files) page.item(path, what);
  return page.section('SEE ALSO').text(more.also.join(', ')).toString();
}

function describeCommand(page: ManPage, { words, command }: Leaf): void {
  const usage = command.registeredArguments.map((argument) => {
    const text = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${text}>` : `[${text}]`;
  });
  page.heading([...words, ...usage].join(' ')).text(`${command.description()}.`);
  for (const argument of command.registeredArguments) {
    if (argument.description !== '') page.item(argument.name(), `${argument.description}.`);
  }
  for (const option of command.options) {
    const standard: unknown = option.defaultValue;
    const text =
      standard === undefined
        ? option.description
        : `${option.description} (${JSON.stringify(standard)})`;
    page.item(option.flags, `${text}.`);
  }
}

interface Leaf {
  readonly words: readonly string[];
  readonly command: Program;
}

function leaves(command: Program, words: readonly string[] = []): Leaf[] {
  return command.commands.flatMap((child) => {
    const path = [...words, child.name()];
    return [{ words: path, command: child }, ...leaves(child, path)];
  });
}

/** What the help has after the commands: examples, then exit codes. */
function appendix(program: Program): { examples: string; exitCodes: string } {
  let text = '';
  program.configureOutput({ writeOut: (more) => void (text += more) });
  program.outputHelp();
  const match = /\nExamples:\n(.*?)\n\nExit codes: (.*)$/s.exec(text);
  const [examples, exitCodes] = [match?.[1], match?.[2]];
  if (examples === undefined || exitCodes === undefined) {
    throw new Error(`the help of ${program.name()} has no examples and exit codes`);
  }
  return {
    examples: examples.replaceAll(/^ {2}/gm, ''),
    exitCodes: exitCodes.trim().replaceAll('\n', ' '),
  };
}

function configPage(
  name: string,
  schema: z.ZodType,
  { version, date }: Release,
  { title, file, also }: { readonly title: string; readonly file: string; readonly also: string },
): string {
  const page = new ManPage({ name, section: 5, date, version, title });
  page.section('SYNOPSIS').text(file);
  page
    .section('DESCRIPTION')
    .text(
      'A TOML file. A key that is unknown or has a wrong value stops the start with a message that names file, line and key.',
    );
  for (const table of neutral(() => configTables(schema))) {
    if (table.title !== undefined) {
      page.section(table.title);
      if (table.description !== undefined) page.text(`${table.description}.`);
    }
    for (const { key, kind, standard, description } of table.rows) {
      const value = standard === '' || standard === 'required' ? standard : `default ${standard}`;
      const terms = [kind, value].filter(Boolean).join('; ').replaceAll('","', '", "');
      page.item(key, `${description} (${terms})`.trim());
    }
  }
  return page.section('SEE ALSO').text(also).toString();
}

/** Defaults name folders of whoever makes the page: those must not get into it. */
function neutral<T>(work: () => T): T {
  const own = { ...process.env };
  process.env = {
    ...own,
    XDG_RUNTIME_DIR: '/run/user/UID',
    XDG_STATE_HOME: '~/.local/state',
    XDG_CONFIG_HOME: '~/.config',
    HOME: '/home/USER',
  };
  try {
    return work();
  } finally {
    process.env = own;
  }
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
