import { GuestProcess } from '../phone/guest-process.ts';
import type { TomlTable } from '../phone/toml.ts';
import type { Stage } from '../runner/stage.ts';

export interface RegisteredOptions {
  readonly aor: string;
  readonly registrar: string;
  readonly password: string;
  readonly account?: TomlTable;
  readonly guest?: Readonly<Record<string, TomlTable>>;
}

/** A phone of its own with one line, which has registered when this resolves. */
export async function registered(stage: Stage, options: RegisteredOptions): Promise<GuestProcess> {
  const guest = await registering(stage, options);
  await guest.phone.registration(options.aor, 'registered', 10_000);
  return guest;
}

/** The same, without waiting for the registrar's answer. */
export async function registering(
  stage: Stage,
  { aor, registrar, password, account, guest }: RegisteredOptions,
): Promise<GuestProcess> {
  const process = stage.scope.use(
    await GuestProcess.start({
      directory: stage.directory,
      channel: stage.engine.channel,
      addresses: ['127.0.0.1'],
      accounts: [{ aor, registrar, password, ...account }],
      ...(guest === undefined ? {} : { config: guest }),
      signal: stage.signal,
    }),
  );
  await process.phone.engineConnected();
  return process;
}
