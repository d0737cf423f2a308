import assert from 'node:assert/strict';
import { missing } from '@offhook/test-sipp';
import { AsteriskBed, type Transport } from '../asterisk-bed.ts';
import { Bed } from '../bed.ts';
import type { Context, Measure, Part } from '../row.ts';

/** F4 with a far end that sees every packet: sound, dialog, and requests of the peer. */
async function daemonKilled(context: Context, line: 'alice' | 'secure'): Promise<Measure> {
  const bed = await Bed.open(context);
  const call = await bed.call({ line });
  await call.soundBothWays(bed.engine);
  const { mark } = call;
  const since = performance.now();
  await bed.killGuest();
  await bed.startGuest();
  const controlMs = await bed.controlBack(since);
  assert.equal((await bed.phone.get(call.id)).state, 'established');
  await call.isHeard(call.mark, 1000);
  const heard = call.heard(mark);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
  return {
    gapMs: heard.gapMs,
    controlMs,
    survived: heard.lost === 0 && heard.streams.length === 1,
    detail: { ...heard },
  };
}

/** F4 at a PBX: two calls, of which the phone ends one and the PBX the other. */
async function daemonKilledAtPbx(context: Context, transport: Transport): Promise<Measure> {
  const pbx = await AsteriskBed.open(context, transport);
  const { bed } = pbx;
  const [ours, theirs] = [await pbx.call(), await pbx.call()];
  await ours.isHeard();
  const from = await ours.mark();
  const since = performance.now();
  await bed.killGuest();
  await bed.startGuest();
  const controlMs = await bed.controlBack(since);
  await ours.isHeard();
  const heard = await ours.heard(from);
  await pbx.registered();
  for (const { id } of [ours, theirs]) {
    assert.equal((await bed.phone.get(id)).state, 'established');
    await bed.phone.call('call.hold', { call: id });
    await bed.phone.call('call.resume', { call: id });
  }
  await ours.isHeard();
  await theirs.isHeard();
  await bed.phone.hangup(ours.id);
  await bed.phone.becomes(ours.id, 'ended', 10_000);
  await pbx.hangUpAtPbx();
  const { end } = await bed.phone.becomes(theirs.id, 'ended', 10_000);
  assert.equal(end?.by, 'remote');
  return { gapMs: heard.longestMs, controlMs, survived: true, detail: { ...heard } };
}

/** F9: the guest stands still for a while, and goes on as if nothing had been. */
async function guestPaused(context: Context, pausedMs: number): Promise<Measure> {
  const bed = await Bed.open(context);
  const call = await bed.call();
  await call.soundBothWays(bed.engine);
  const { mark } = call;
  bed.guest.process.signal('SIGSTOP');
  await call.isHeard(mark, pausedMs).finally(() => bed.guest.process.signal('SIGCONT'));
  const controlMs = await bed.controlBack(performance.now());
  await call.isHeard(call.mark, 1000);
  const heard = call.heard(mark);
  await call.dialogWorks();
  await call.soundBothWays(bed.engine);
  await call.end();
  return {
    gapMs: heard.gapMs,
    controlMs,
    survived: heard.lost === 0,
    detail: { ...heard, pausedMs },
  };
}

const F4 = { gapMs: 0, controlMs: 2000 };

const atPbx = (['udp', 'tcp', 'tls'] as const).map((transport): Part => ({
  row: 'F4',
  name: transport,
  what: `the daemon is killed and started again; two calls at Asterisk over ${transport}`,
  target: F4,
  deadline: 90_000,
  core: transport !== 'udp',
  inTable: true,
  missing: () => missing('asterisk'),
  run: (context) => daemonKilledAtPbx(context, transport),
}));

export const guestParts: readonly Part[] = [
  {
    row: 'F4',
    name: 'plain',
    what: 'the daemon is killed and started again; a call over UDP, plain RTP',
    target: F4,
    deadline: 60_000,
    core: true,
    inTable: true,
    run: (context) => daemonKilled(context, 'alice'),
  },
  {
    row: 'F4',
    name: 'srtp',
    what: 'the daemon is killed and started again; a call over UDP with SRTP',
    target: F4,
    deadline: 60_000,
    core: false,
    inTable: true,
    run: (context) => daemonKilled(context, 'secure'),
  },
  ...atPbx,
  {
    row: 'F9',
    name: 'daemon',
    what: 'the daemon is stopped for 30 s and goes on',
    target: { gapMs: 0, controlMs: 1000 },
    deadline: 90_000,
    core: false,
    inTable: true,
    run: (context) => guestPaused(context, 30_000),
  },
  {
    row: 'F9',
    name: 'daemon-short',
    what: 'the daemon is stopped for 8 s and goes on',
    target: { gapMs: 0, controlMs: 1000 },
    deadline: 60_000,
    core: true,
    inTable: false,
    run: (context) => guestPaused(context, 8000),
  },
];
