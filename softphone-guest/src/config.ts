import { dirname, resolve } from 'node:path';
import {
  isOffhookError,
  OffhookError,
  parseLayers,
  readConfigText,
  type ConfigText,
  type PlacedConfig,
} from '@offhook/common';
import { z } from 'zod';
import { readCache, shown } from './provisioning/cache.ts';
import { account } from './config/account.ts';
import { engine } from './config/engine.ts';
import { provisioning } from './config/provisioning.ts';
import { desk } from './config/desk.ts';
import { desktop } from './config/desktop.ts';
import { dial } from './config/dial.ts';
import { emergency } from './config/emergency.ts';
import { calls, codes, hook, log } from './config/phone.ts';
import { screen } from './config/screen.ts';
import { sip } from './config/sip.ts';
import { watch } from './config/watch.ts';

/**
 * The guest's configuration file. What each key is for stands in its `describe`: the configuration
 * reference is made from it.
 */
export const guestConfigSchema = z
  .object({
    sip,
    account: z
      .array(account)
      .min(1, 'no account: add [[account]] with aor = "sip:you@example.com"')
      .describe('The phone’s lines'),
    engine,
    dial,
    emergency,
    calls,
    codes,
    desk: desk.optional(),
    watch,
    desktop,
    screen,
    hook: z
      .array(hook)
      .max(100)
      .default([])
      .describe('Commands that are run when something happens'),
    log,
    provisioning,
  })
  .superRefine((config, context) => {
    const aors = config.account.map((one) => one.aor);
    for (const [index, aor] of aors.entries()) {
      if (aors.indexOf(aor) !== index) {
        context.addIssue({
          code: 'custom',
          path: ['account', index, 'aor'],
          message: 'another account has the same address of record',
        });
      }
    }
    const chosen: readonly { path: (string | number)[]; aor: string | undefined }[] = [
      { path: ['dial', 'account'], aor: config.dial.account },
      { path: ['emergency', 'account'], aor: config.emergency.account },
      ...config.dial.rule.map(({ account: aor }, index) => ({
        path: ['dial', 'rule', index, 'account'],
        aor,
      })),
    ];
    for (const { path, aor } of chosen) {
      if (aor === undefined || aors.includes(aor)) continue;
      context.addIssue({ code: 'custom', path, message: 'no [[account]] has this aor' });
    }
    const deskless = config.account.findIndex(({ away }) => away.policy === 'desk');
    if (deskless >= 0 && config.desk === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['account', deskless, 'away', 'policy'],
        message: 'desk needs a [desk] phone',
      });
    }
    if (config.desk?.account !== undefined && !aors.includes(config.desk.account)) {
      context.addIssue({
        code: 'custom',
        path: ['desk', 'account'],
        message: 'no [[account]] has this aor',
      });
    }
    const tls = config.sip.listen.findIndex((one) => one.transport === 'tls');
    if (tls >= 0 && config.sip.tls?.cert === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['sip', 'listen', tls],
        message: 'a tls: address needs cert and key in [sip.tls]',
      });
    }
  });

type Parsed = z.output<typeof guestConfigSchema>;

export interface GuestConfig extends Parsed {
  /** Where a key stands, `file:line`, for messages about its value. */
  readonly placeOf: PlacedConfig<Parsed>['placeOf'];
}
export type AccountConfig = GuestConfig['account'][number];

/**
 * Reads the configuration; paths in it are relative to the file.
 *
 * @throws OffhookError with layer `config`; see `loadConfig` of common.
 */
export function loadGuestConfig(path: string): GuestConfig {
  try {
    return guestConfigOf({ path, text: readConfigText(path, false) });
  } catch (error) {
    if (!isOffhookError(error, 'not-found')) throw error;
    throw new OffhookError('config', 'not-found', `${path}: no such file`, {
      cause: error,
      remedy: `write one: ${MINIMAL}; or name another with --config`,
    });
  }
}

/** What the file would be with that text, over what a server has given. */
export function guestConfigOf(own: ConfigText): GuestConfig {
  const url = provisioningOf(own)?.url;
  const given = url === undefined ? undefined : readCache(own.path, url);
  return layeredConfig(
    own,
    given === undefined ? undefined : { path: shown(given.url), text: given.text },
  );
}

const MINIMAL =
  '[[account]] with aor = "sip:you@example.com" and a password_command, and [engine] with channel = "unix:/path/to/engine.sock"';

/** The same for text that is already there, for tests. */
export function parseGuestConfig(text: string, path = '/etc/offhook/config.toml'): GuestConfig {
  return layeredConfig({ path, text });
}

/** `[provisioning]` of a local file; undefined where the file is no TOML, which others tell. */
export function provisioningOf(own: ConfigText): Parsed['provisioning'] | undefined {
  try {
    return parseLayers([own], z.looseObject({ provisioning })).config.provisioning;
  } catch {
    return undefined;
  }
}

/** A local file over what a server has given; accounts are brought together by their `aor`. */
export function layeredConfig(own: ConfigText, given?: ConfigText): GuestConfig {
  const layers = given === undefined ? ([own] as const) : ([own, given] as const);
  const { config, placeOf } = parseLayers(layers, guestConfigSchema, { account: 'aor' });
  return { ...absolutePaths(config, own.path), placeOf };
}

function absolutePaths(config: Parsed, path: string): Parsed {
  const at = (file: string | undefined) =>
    file === undefined ? undefined : resolve(dirname(path), file);
  const tlsAt = <
    T extends { ca?: string | undefined; cert?: string | undefined; key?: string | undefined },
  >(
    tls: T,
  ): T => ({ ...tls, ca: at(tls.ca), cert: at(tls.cert), key: at(tls.key) });
  return {
    ...config,
    sip: config.sip.tls === undefined ? config.sip : { ...config.sip, tls: tlsAt(config.sip.tls) },
    engine:
      config.engine.tls === undefined
        ? config.engine
        : { ...config.engine, tls: tlsAt(config.engine.tls) },
    desk:
      config.desk === undefined
        ? undefined
        : {
            ...config.desk,
            token_file: resolve(dirname(path), config.desk.token_file),
            ca: at(config.desk.ca),
          },
    account: config.account.map((one) => ({ ...one, password_file: at(one.password_file) })),
  };
}
