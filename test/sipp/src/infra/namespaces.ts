import { randomBytes } from 'node:crypto';
import { run } from './process.ts';
import type { Program } from '../phone/programs.ts';

/** Where an ordinary user's PATH does not lead. */
const IP = '/usr/sbin/ip';
/** How commands become root here: as they are, or by `sudo -n`. */
const PRIVILEGE: readonly string[] = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** Why no network namespaces can be made; undefined when they can. */
export async function namespacesMissing(): Promise<string | undefined> {
  const name = `offhook-probe-${randomBytes(3).toString('hex')}`;
  try {
    await root('ip', 'netns', 'add', name);
    try {
      await root('ip', 'netns', 'exec', name, 'nft', 'add', 'table', 'ip', 'probe');
    } finally {
      await root('ip', 'netns', 'del', name);
    }
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n').at(-1) : String(error);
    return `network namespaces need root (or sudo without a password), ip and nft: ${why}`;
  }
}

/** Runs a command as root. */
async function root(command: string, ...args: readonly string[]): Promise<string> {
  const [first = command, ...rest] = [...PRIVILEGE, command, ...args];
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  return run(first, rest, { within: 10_000, env: { PATH: path } });
}

/** A network namespace of its own, gone after `close`. */
export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(label: string): Promise<Namespace> {
    const namespace = new Namespace(`ohk-${label}-${randomBytes(3).toString('hex')}`);
    await root('ip', 'netns', 'add', namespace.name);
    await namespace.run('ip', 'link', 'set', 'lo', 'up');
    return namespace;
  }

  /** One that somebody else has created, and closes. */
  static named(name: string): Namespace {
    return new Namespace(name);
  }

  /** A command inside, as root. */
  run(command: string, ...args: readonly string[]): Promise<string> {
    return root('ip', 'netns', 'exec', this.name, command, ...args);
  }

  /** The same program inside, as the user who runs the tests. */
  wrap(program: Program): Program {
    const uid = process.getuid?.() ?? 0;
    const gid = process.getgid?.() ?? 0;
    const drop =
      uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
    const inside = ['netns', 'exec', this.name, ...drop, program.command, ...program.args];
    const [sudo, ...flags] = PRIVILEGE;
    return sudo === undefined
      ? { command: IP, args: inside }
      : { command: sudo, args: [...flags, IP, ...inside] };
  }

  async close(): Promise<void> {
    await root('ip', 'netns', 'del', this.name);
  }
}

/** Joins two namespaces by a cable; addresses with prefix, such as 10.1.0.1/24. */
export async function cable(
  a: { readonly namespace: Namespace; readonly address: string },
  b: { readonly namespace: Namespace; readonly address: string },
): Promise<void> {
  const tag = randomBytes(4).toString('hex');
  const [left, right] = [`v${tag}a`, `v${tag}b`];
  await root('ip', 'link', 'add', left, 'type', 'veth', 'peer', 'name', right);
  for (const [end, { namespace, address }] of [
    [left, a],
    [right, b],
  ] as const) {
    await root('ip', 'link', 'set', end, 'netns', namespace.name);
    await namespace.run('ip', 'address', 'add', address, 'dev', end);
    await namespace.run('ip', 'link', 'set', end, 'up');
  }
}
