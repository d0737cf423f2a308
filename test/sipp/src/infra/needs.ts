import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Need } from '../runner/scenario.ts';
import { asteriskRoot } from './asterisk-install.ts';
import { namespacesMissing } from './namespaces.ts';

const PROGRAMS: Readonly<Partial<Record<Need, string>>> = {
  dnsmasq: 'dnsmasq',
  kamailio: 'kamailio',
  rtpengine: 'rtpengine',
  baresip: 'baresip',
  linphone: 'linphonec',
  pulseaudio: 'pulseaudio',
};

const answers = new Map<Need, Promise<string | undefined>>();

/** Why scenarios with that need cannot run here; undefined when they can. Looked up once. */
export function missing(need: Need): Promise<string | undefined> {
  const known = answers.get(need) ?? lookUp(need);
  answers.set(need, known);
  return known;
}

async function lookUp(need: Need): Promise<string | undefined> {
  if (need === 'namespaces') return namespacesMissing();
  if (need === 'asterisk') {
    try {
      await asteriskRoot();
      return undefined;
    } catch (error) {
      return `no Asterisk: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  const program = PROGRAMS[need];
  if (program === undefined || (await findProgram(program)) !== undefined) return undefined;
  return `${program} is not installed`;
}

/** The path of a program; sbin is looked into too, which an ordinary user's PATH leaves out. */
export async function findProgram(name: string): Promise<string | undefined> {
  const path = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;
  for (const directory of path.split(delimiter)) {
    const file = join(directory, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
