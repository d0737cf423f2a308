import assert from 'node:assert/strict';
import { cable, MICROPHONE_HZ, missing, Namespace, until } from '@offhook/test-sipp';
import { AsteriskBed, type Transport } from '../asterisk-bed.ts';
import type { Context, Measure, Part } from '../row.ts';

/** F11: the connection to the PBX is reset; the call and its registration go on over another. */
async function connectionReset(context: Context, transport: Transport): Promise<Measure> {
  const pbx = await AsteriskBed.open(context, transport);
  const { bed } = pbx;
  const call = await pbx.call();
  const from = await call.mark();
  const registrations = bed.phone.events('registration.changed').length;
  const since = performance.now();
  await pbx.cutConnections();
  await until(
    'the phone to notice',
    () => bed.phone.events('registration.changed').length > registrations,
    { within: 10_000, every: 10 },
  );
  await pbx.registered();
  const registeredMs = Math.round(performance.now() - since);
  await call.isHeard(1000);
  const heard = await call.heard(from);
  // The dialog works both ways: a re-INVITE of ours, the BYE of the PBX.
  await bed.phone.call('call.hold', { call: call.id });
  await bed.phone.call('call.resume', { call: call.id });
  await call.isHeard();
  await pbx.cutConnections();
  await pbx.registered();
  await pbx.hangUpAtPbx();
  const { end } = await bed.phone.becomes(call.id, 'ended', 15_000);
  assert.equal(end?.by, 'remote');
  return {
    gapMs: heard.longestMs,
    controlMs: registeredMs,
    survived: true,
    detail: { ...heard, control: 'until registered again' },
  };
}

const PBX = '10.78.1.1';
const [BEFORE, AFTER] = ['10.78.1.2', '10.78.1.3'];

/** The PBX, and something at the other end of a cable, whose address can change. */
async function twoPlaces(scope: Context['scope']) {
  const [home, away] = [
    scope.use(await Namespace.create('pbx')),
    scope.use(await Namespace.create('away')),
  ];
  await cable(
    { namespace: home, address: `${PBX}/24` },
    { namespace: away, address: `${BEFORE}/24` },
  );
  const device = /^\d+: (v\w+)/m.exec(await away.run('ip', '-o', 'link'))?.[1] ?? '';
  const move = async () => {
    await away.run('ip', 'address', 'del', `${BEFORE}/24`, 'dev', device);
    await away.run('ip', 'address', 'add', `${AFTER}/24`, 'dev', device);
  };
  return { home, away, move };
}

const HEARD_MS = 1000;

/** F12: the thin client has another address; the guest's stays, and with it the dialog. */
async function clientMoves(context: Context): Promise<Measure> {
  const { home, away, move } = await twoPlaces(context.scope);
  const pbx = await AsteriskBed.open(context, 'udp', {
    place: {
      address: PBX,
      wrap: (program) => home.wrap(program),
      wrapEngine: (program) => away.wrap(program),
      guest: { wrapGuest: (program) => home.wrap(program), addresses: [PBX] },
    },
  });
  const { bed } = pbx;
  const { engine, phone } = bed;
  // There and back again: a recording of Asterisk's does not go on after a gap in what it is sent.
  const call = await pbx.callEcho();
  // The session that is opened at the new address begins the file anew.
  await engine.forgetPlayed();
  const since = performance.now();
  await move();
  await engine.plays(MICROPHONE_HZ, { ms: HEARD_MS, within: 10_000, signal: context.signal });
  const gapMs = Math.round(performance.now() - since - HEARD_MS);
  await phone.call('call.hold', { call });
  await phone.call('call.resume', { call });
  const mark = await engine.mark();
  await engine.plays(MICROPHONE_HZ, { mark, signal: context.signal });
  await pbx.hangUpAtPbx();
  const { end } = await phone.becomes(call, 'ended', 15_000);
  assert.equal(end?.by, 'remote');
  return { gapMs, survived: true, detail: { at: 'there and back' } };
}

/** F12: the guest has another address from one moment to the next, as when a VPN comes up. */
async function addressChanged(context: Context, transport: Transport): Promise<Measure> {
  const { home, away, move } = await twoPlaces(context.scope);
  const pbx = await AsteriskBed.open(context, transport, {
    place: {
      address: PBX,
      wrap: (program) => home.wrap(program),
      guest: { wrapGuest: (program) => away.wrap(program), addresses: ['0.0.0.0'] },
    },
  });
  const { bed } = pbx;
  const call = await pbx.call();
  const from = await call.mark();
  const since = performance.now();
  await move();
  await until(
    'the PBX to know the phone by its new address',
    async () => (await pbx.asterisk.console('pjsip show contacts')).includes(AFTER),
    { within: 20_000, every: 100, signal: context.signal },
  );
  const registeredMs = Math.round(performance.now() - since);
  await call.isHeard(1000);
  const heard = await call.heard(from);
  // The dialog works both ways: a re-INVITE of ours, the BYE of the PBX.
  await bed.phone.call('call.hold', { call: call.id });
  await bed.phone.call('call.resume', { call: call.id });
  await call.isHeard();
  await pbx.hangUpAtPbx();
  const { end } = await bed.phone.becomes(call.id, 'ended', 15_000);
  assert.equal(end?.by, 'remote');
  return {
    gapMs: heard.longestMs,
    controlMs: registeredMs,
    survived: true,
    detail: { ...heard, control: 'until registered from the new address' },
  };
}

const needs = async () => (await missing('asterisk')) ?? (await missing('namespaces'));

const moves = (['udp', 'tls'] as const).map((transport): Part => ({
  row: 'F12',
  name: transport,
  what: `the guest's IP address changes; a call at Asterisk over ${transport}`,
  target: { gapMs: 0 },
  deadline: 120_000,
  core: transport === 'udp',
  inTable: true,
  missing: needs,
  run: (context) => addressChanged(context, transport),
}));

const clientMove: Part = {
  row: 'F12',
  name: 'client',
  what: "the thin client's IP address changes; a call at Asterisk over udp",
  target: { gapMs: 4000 },
  deadline: 120_000,
  core: true,
  inTable: true,
  missing: needs,
  run: clientMoves,
};

const resets = (['tcp', 'tls'] as const).map((transport): Part => ({
  row: 'F11',
  name: transport,
  what: `the ${transport.toUpperCase()} connection to Asterisk is reset`,
  target: { gapMs: 0 },
  deadline: 90_000,
  core: transport === 'tls',
  inTable: true,
  missing: () => missing('asterisk'),
  run: (context) => connectionReset(context, transport),
}));

export const registrarParts: readonly Part[] = [...resets, ...moves, clientMove];
