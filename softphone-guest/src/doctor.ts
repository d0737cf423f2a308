import { describeError, withDeadline } from '@offhook/common';
import type { ListenAddress, PingAnswer } from '@offhook/signaling';
import type { CallManager, Line } from './call/call-manager.ts';
import type { Journal } from './journal/journal.ts';
import { describeListen } from './control/info.ts';
import type { CheckInfo } from './control/schemas.ts';
import { fail, ok, warn } from './doctor/check.ts';
import { reachCheck } from './doctor/reach.ts';
import { testCall, type TestCallParts } from './doctor/test-call.ts';
import type { EngineLine } from './engine-line.ts';
import type { KnownLocation } from './people/location.ts';

const OPTIONS_DEADLINE_MS = 5000;
/** Below it a session has hardly begun: silence means nothing yet. */
const YOUNG_CALL_MS = 2000;

export interface DoctorParts {
  readonly link: EngineLine;
  /** Absent when only `doctor` runs, which takes none of the phone's ports. */
  readonly listening?: readonly ListenAddress[];
  readonly lines: readonly Line[];
  readonly manager: CallManager;
  readonly location: () => KnownLocation;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** Whether a line that is not registered is a fault: not when only `doctor` runs. */
  readonly registers: boolean;
  /** Absent when only `doctor` runs: the journal is the daemon's. */
  readonly journal?: Journal;
  /** Absent when only `doctor` runs. */
  readonly testCall?: TestCallParts;
}

/**
 * Checks layer by layer, from the channel to the audio of the calls that are up, and of one to `target`
 * in the end.
 */
export async function runDoctor(
  parts: DoctorParts,
  signal: AbortSignal,
  target?: string,
): Promise<readonly CheckInfo[]> {
  const checks: CheckInfo[] = [...journalChecks(parts), ...(await engineChecks(parts))];
  if (parts.listening !== undefined) {
    const listening = parts.listening.map(describeListen).join(', ');
    checks.push(ok('sip', `listens at ${listening || 'no address'}`));
  }
  for (const line of parts.lines) {
    if (!line.config.register && line.config.registrar === undefined) {
      checks.push(ok('registrar', `${line.config.aor} needs none`));
      continue;
    }
    checks.push(...(await registrarChecks(line, parts.registers, signal)));
    if (parts.registers && line.config.register) checks.push(registrationCheck(line));
  }
  for (const session of parts.manager.list()) {
    if (session.call.phase !== 'established') continue;
    checks.push(await mediaCheck(session, parts.now()));
  }
  if (target !== undefined && parts.testCall !== undefined) {
    checks.push(...(await testCall(parts.testCall, target, signal)));
  }
  return checks;
}

function journalChecks({ journal }: DoctorParts): readonly CheckInfo[] {
  if (journal === undefined) return [];
  const { status, size, inherited } = journal;
  const checks = [
    status.state === 'ok'
      ? ok('journal', `written (${size} calls)`)
      : fail(
          'journal',
          `calls would not survive a restart of the daemon: ${status.reason}`,
          status.remedy ?? 'restart the daemon when no call is up',
        ),
  ];
  if (inherited.lost !== undefined) {
    const remedy =
      'look at the calls of the PBX and of `offhook-engine ui`: there may be forgotten ones';
    checks.push(warn('journal', `calls may have been forgotten: ${inherited.lost}`, remedy));
  }
  return checks;
}

/** Where help would be sent: nothing that a call needs, and yet somebody's life. */
function locationCheck({ location }: DoctorParts): CheckInfo {
  const { text, warning } = location();
  return warning === undefined
    ? ok('engine', `emergency calls tell this location: ${text ?? ''}`)
    : warn('engine', warning, 'set [location] in the configuration of offhook-engine');
}

async function engineChecks(parts: DoctorParts): Promise<readonly CheckInfo[]> {
  const { link } = parts;
  const { status } = link;
  if (status.state !== 'connected') {
    const reason =
      status.state === 'disconnected' ? status.reason : `${status.channel} does not answer yet`;
    const layer = status.state === 'disconnected' && status.layer === 'rpc' ? 'engine' : 'channel';
    const remedy = status.state === 'disconnected' ? status.remedy : undefined;
    return [
      fail(
        layer,
        reason,
        remedy ?? 'start offhook-engine at the thin client, or correct [engine] channel',
      ),
    ];
  }
  const checks = [ok('channel', status.channel), workerCheck(status.worker, status.engine)];
  checks.push(locationCheck(parts));
  try {
    const { devices, selected } = await link.call('devices.list', {});
    for (const role of ['input', 'output'] as const) {
      const id = selected[role];
      const device = devices.find((one) => one.id === id);
      checks.push(
        id === undefined
          ? warn('device', `no ${role} is chosen`, 'choose one with `offhook devices`')
          : device?.present === false
            ? warn(
                'device',
                `${role} ${device.name} is not plugged in`,
                'plug it in, or choose another',
              )
            : ok('device', `${role}: ${device?.name ?? id}`),
      );
    }
  } catch (error) {
    checks.push(
      fail('device', describeError(error), 'run offhook-engine doctor at the thin client'),
    );
  }
  return checks;
}

function workerCheck(worker: 'up' | 'restarting' | 'failed', engine: string): CheckInfo {
  if (worker === 'up') return ok('engine', `serves (instance ${engine})`);
  const message = `its media worker is ${worker === 'failed' ? 'down' : 'being restarted'}`;
  const remedy = 'run offhook-engine doctor at the thin client';
  return worker === 'failed' ? fail('engine', message, remedy) : warn('engine', message, remedy);
}

async function registrarChecks(
  line: Line,
  registers: boolean,
  signal: AbortSignal,
): Promise<readonly CheckInfo[]> {
  const { aor } = line.config;
  const target = line.config.registrar?.[0];
  const name = target ?? `the domain of ${aor}`;
  try {
    const { status, reason, rttMs, path }: PingAnswer = await withDeadline(
      { layer: 'signaling', what: `OPTIONS to ${name}`, ms: OPTIONS_DEADLINE_MS, signal },
      () => line.account.options(),
    );
    if (status === 408 || status === 503) {
      return [fail('registrar', `${name}: ${reason} (${status})`, REGISTRAR_REMEDY)];
    }
    const registered = registers && line.account.registration.state === 'registered';
    return [
      // Whatever it says about OPTIONS: it is there and speaks SIP.
      ok('registrar', `${name} answers in ${Math.round(rttMs)} ms (${status} ${reason})`),
      ...(path === undefined ? [] : [reachCheck(name, path, registered)]),
    ];
  } catch (error) {
    return [fail('registrar', `${name}: ${describeError(error)}`, REGISTRAR_REMEDY)];
  }
}

const REGISTRAR_REMEDY = 'check `registrar` of the account, DNS and the firewall';

function registrationCheck({ config, account }: Line): CheckInfo {
  const { registration } = account;
  switch (registration.state) {
    case 'registered':
      return ok('registrar', `${config.aor} is registered`);
    case 'registering':
      return warn('registrar', `${config.aor} is registering`, 'wait a moment');
    case 'unregistered':
      return warn('registrar', `${config.aor} is not registered`, 'offhook register');
    case 'failed':
      return fail(
        'registrar',
        `${config.aor}: ${registration.reason}${registration.status > 0 ? ` (${registration.status})` : ''}`,
        registration.status === 401 || registration.status === 403 || registration.status === 407
          ? 'check username and password of the account'
          : REGISTRAR_REMEDY,
      );
    default:
      return registration satisfies never;
  }
}

async function mediaCheck(
  session: ReturnType<CallManager['list']>[number],
  now: number,
): Promise<CheckInfo> {
  const { call } = session;
  const name = `call ${call.id}`;
  if (call.hold.inForce || call.remoteHeld) return ok('media', `${name} is on hold`);
  const stats = await session.stats();
  if (stats === undefined) {
    return fail('media', `${name} has no figures`, 'run offhook-engine doctor at the thin client');
  }
  const young = now - (call.answeredAt ?? now) < YOUNG_CALL_MS;
  const figures = `sent ${stats.tx.packets}, received ${stats.rx.packets} packets`;
  if (young || (stats.tx.packets > 0 && stats.rx.packets > 0 && call.silentMs === 0)) {
    return ok('media', `${name}: ${figures}`);
  }
  return stats.tx.packets === 0
    ? fail('media', `${name}: nothing is sent (${figures})`, 'check the microphone')
    : fail(
        'media',
        `${name}: nothing comes from the peer (${figures})`,
        'check firewall and NAT between thin client and peer, and symmetric RTP at the PBX',
      );
}
