import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Asterisk,
  ASTERISK_PASSWORD,
  createAuthority,
  EngineProcess,
  GuestProcess,
  guestProgram,
  type Phone,
  type Pulse,
  Scope,
  type TomlTable,
} from '@offhook/test-sipp';
import { Terminal } from './terminal.ts';

/** What each microphone gives, so that they are told from each other. */
export const VOICES = { alice: 440, carol: 700, dave: 1100 } as const;
export type Person = keyof typeof VOICES;
/** Of everybody's address; the PBX has it from `from_domain`. */
const DOMAIN = 'example.com';

/** Somebody's phone, past any screen, and the thin client under it. */
export interface Desk {
  readonly phone: Phone;
  readonly guest: GuestProcess;
  readonly engine: EngineProcess;
}

/** What is not as usual at alice's desk. */
export interface Desktop {
  readonly hooks?: readonly TomlTable[];
  readonly audio?: TomlTable;
  readonly sound?: Pulse;
}

/** A PBX, alice with her phone on a terminal, and carol and dave, whose phones have no screen. */
export interface Office extends Readonly<Record<Person, Desk>> {
  readonly screen: Terminal;
  close(): Promise<void>;
}

export async function openOffice(
  size: { columns: number; rows: number },
  desktop: Desktop = {},
): Promise<Office> {
  const scope = new Scope();
  try {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-tour-'));
    scope.defer(() => rm(directory, { recursive: true, force: true }));
    const asterisk = scope.use(
      await Asterisk.start({
        directory,
        address: '127.0.0.1',
        authority: await createAuthority(directory),
      }),
    );
    const [alice, carol, dave] = await Promise.all([
      openDesk(scope, directory, asterisk, 'alice', desktop),
      openDesk(scope, directory, asterisk, 'carol'),
      openDesk(scope, directory, asterisk, 'dave'),
    ]);
    await knows(alice.phone, 'carol', 'Carol Jones');
    await knows(alice.phone, 'dave', 'Dave Brown');
    const { command, args } = guestProgram(['--state-dir', alice.guest.stateDir]);
    const screen = scope.use(
      await Terminal.start({ directory, command: [command, ...args], ...size }),
    );
    return { screen, alice, carol, dave, close: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

export function addressOf(user: Person): string {
  return `sip:${user}@${DOMAIN}`;
}

async function openDesk(
  scope: Scope,
  office: string,
  asterisk: Asterisk,
  user: Person,
  desktop: Desktop = {},
): Promise<Desk> {
  const directory = join(office, user);
  await mkdir(directory);
  const input = `tone:${VOICES[user]}`;
  const { sound } = desktop;
  const engine = scope.use(
    await EngineProcess.start({
      directory,
      config: { audio: { input, ...desktop.audio } },
      ...(sound !== undefined && { wrap: (program) => sound.wrap(program) }),
    }),
  );
  const pbx = `sip:${asterisk.address}:${asterisk.port}`;
  const guest = scope.use(
    await GuestProcess.start({
      directory,
      channel: engine.channel,
      addresses: ['127.0.0.1'],
      accounts: [
        {
          aor: addressOf(user),
          registrar: pbx,
          username: user,
          password: ASTERISK_PASSWORD,
          outbound_proxy: `${pbx};lr`,
        },
      ],
      config: { codes: { pickup: '*8{extension}' }, calls: { one_active: true } },
      ...(desktop.hooks !== undefined && { hooks: desktop.hooks }),
    }),
  );
  const { phone } = guest;
  await phone.engineConnected();
  await phone.registration(addressOf(user), 'registered', 10_000);
  return { phone, guest, engine };
}

/** A lamp, and a contact. */
async function knows(phone: Phone, user: Person, name: string): Promise<void> {
  const [first = name] = name.split(' ');
  await phone.call('lamp.watch', { target: user, name: first });
  const numbers = [{ type: 'sip' as const, value: addressOf(user) }];
  await phone.call('contacts.save', { name, numbers, favourite: user === 'carol' });
}
