import assert from 'node:assert/strict';
import { missing, until } from '@offhook/test-sipp';
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

export const registrarParts: readonly Part[] = (['tcp', 'tls'] as const).map((transport) => ({
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
