import { randomUUID } from 'node:crypto';
import {
  describeError,
  isOffhookError,
  OffhookError,
  silentLogger,
  systemClock,
} from '@offhook/common';
import { printJson } from '@offhook/common/cli';
import { isBound } from '@offhook/common/listening';
import { loadGuestConfig, type GuestConfig } from '../config.ts';
import type { CheckInfo } from '../control/schemas.ts';
import { runDoctor } from '../doctor.ts';
import { listenChecks } from '../doctor/listen.ts';
import type { Context } from './call-commands.ts';
import { withDaemon } from '../control/client.ts';
import { printable } from '@offhook/common/printable';
import { table } from '../text/table.ts';

const ENGINE_WAIT_MS = 3000;

/** Every layer in turn; exit 1 when one fails. Without a daemon it checks in its stead. */
export async function doctor({ paths, json, output }: Context, call?: string): Promise<void> {
  const checks: CheckInfo[] = [];
  const config = checkConfig(paths.config, checks);
  try {
    const { checks: rest } = await withDaemon(paths, async (daemon) => {
      const status = await daemon.call('status', {});
      checks.push(check('daemon', 'ok', `runs (pid ${status.pid}, ${status.config})`));
      return daemon.call('doctor.run', call === undefined ? {} : { call }, { timeoutMs: 60_000 });
    });
    checks.push(...rest);
  } catch (error) {
    if (!isOffhookError(error, 'not-reachable')) throw error;
    checks.push(check('daemon', 'warn', error.message, 'start it with `offhook daemon`'));
    if (config !== undefined) checks.push(...(await withoutDaemon(config)));
    if (call !== undefined) {
      checks.push(
        check('call', 'fail', 'only the daemon can call', 'start it with `offhook daemon`'),
      );
    }
  }
  const failed = checks.some((one) => one.level === 'fail');
  if (json) printJson(output, { ok: !failed, checks });
  else output.out(text(checks));
  if (failed) throw new OffhookError('system', 'said', 'a check failed');
}

function checkConfig(path: string, checks: CheckInfo[]): GuestConfig | undefined {
  try {
    const config = loadGuestConfig(path);
    checks.push(check('config', 'ok', path));
    return config;
  } catch (error) {
    const remedy = error instanceof OffhookError ? error.remedy : undefined;
    const message = error instanceof Error ? error.message : String(error);
    checks.push(check('config', 'fail', message, remedy ?? 'correct it'));
    return undefined;
  }
}

/**
 * A phone of its own for the time of the checks. It does not register, and leaves the configured ports to
 * a daemon that starts meanwhile.
 */
async function withoutDaemon(config: GuestConfig): Promise<readonly CheckInfo[]> {
  const { createPhone } = await import('../phone.ts');
  const { connectEngine, createUserAgent } = await import('../adapters.ts');
  const { listen } = config.sip;
  const checks = listenChecks(listen, isBound);
  try {
    const phone = await createPhone({
      config: {
        ...config,
        sip: { ...config.sip, listen: listen.map((at) => ({ ...at, port: 0 })) },
      },
      clock: systemClock,
      random: Math.random,
      logger: silentLogger,
      product: 'Offhook doctor',
      instance: 'doctor',
      register: false,
      createUserAgent,
      // Not the daemon's id: this is a guest of a moment.
      connectEngine: connectEngine(config, randomUUID()),
    });
    try {
      await phone.link.settled(ENGINE_WAIT_MS);
      const rest = await runDoctor(
        {
          link: phone.link,
          lines: phone.lines,
          manager: phone.manager,
          location: phone.location,
          now: () => systemClock.wall(),
          registers: false,
        },
        new AbortController().signal,
      );
      return [...checks, ...rest];
    } finally {
      await phone.close();
    }
  } catch (error) {
    return [...checks, check('sip', 'fail', describeError(error), 'correct `listen` in [sip]')];
  }
}

function check(
  layer: CheckInfo['layer'],
  level: CheckInfo['level'],
  message: string,
  remedy?: string,
): CheckInfo {
  return { layer, level, message, remedy: remedy ?? null };
}

function text(checks: readonly CheckInfo[]): string {
  return table(
    checks.map(({ level, layer, message, remedy }) => [
      level,
      layer,
      printable(remedy === null ? message : `${message}: ${remedy}`),
    ]),
  );
}
