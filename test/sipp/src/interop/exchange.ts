import { ASTERISK_PASSWORD, type Asterisk } from '../infra/asterisk.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import type { Phone } from '../phone/phone.ts';
import type { TomlTable } from '../phone/toml.ts';
import type { Stage } from '../runner/stage.ts';
import { sharedAsterisk } from './peers.ts';

export interface Exchange {
  readonly asterisk: Asterisk;
  readonly guest: GuestProcess;
  readonly phone: Phone;
  /** Address of record of a user. */
  readonly aor: (user: string) => string;
}

/** One phone with a line for each user, all of them registered. */
export async function exchange(
  stage: Stage,
  users: Readonly<Record<string, TomlTable>>,
  config: Readonly<Record<string, TomlTable>> = {},
): Promise<Exchange> {
  const asterisk = await sharedAsterisk();
  const aor = (user: string) => `sip:${user}@${asterisk.address}:${asterisk.port}`;
  const guest = stage.scope.use(
    await GuestProcess.start({
      directory: stage.directory,
      channel: stage.engine.channel,
      addresses: ['127.0.0.1'],
      accounts: Object.entries(users).map(([user, more]) => ({
        aor: aor(user),
        registrar: `sip:${asterisk.address}:${asterisk.port}`,
        username: user,
        password: ASTERISK_PASSWORD,
        outbound_proxy: `sip:${asterisk.address}:${asterisk.port};lr`,
        codecs: ['PCMA'],
        ...more,
      })),
      config: { dial: { domain: asterisk.address }, ...config },
      signal: stage.signal,
    }),
  );
  const { phone } = guest;
  await phone.engineConnected();
  for (const user of Object.keys(users)) await phone.registration(aor(user), 'registered', 10_000);
  return { asterisk, guest, phone, aor };
}
