import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { exited } from '@offhook/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CallInfo } from '../../src/control/schemas.ts';
import { heard } from './support/heard.ts';
import { Place, type Engine, type Phone } from './support/place.ts';

/** Two phones and two engines; one daemon is killed while they talk. */
let place: Place;
let here: Engine;
let there: Engine;
let alice: Phone;
let bob: Phone;

const HERE_HZ = 440;

function listening(dir: string): string {
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
  execFileSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${cert} -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1`.split(
      ' ',
    ),
    { stdio: 'ignore' },
  );
  return `listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"]
tls = { cert = "${cert}", key = "${key}", ca = "${cert}" }`;
}

beforeAll(async () => {
  place = new Place();
  const sip = listening(place.dir);
  here = await place.engine('here', `tone:${HERE_HZ}`);
  there = await place.engine('there', 'tone:1000');
  alice = await place.phone('alice', here, '', '', sip);
  bob = await place.phone('bob', there, 'auto_answer = true', '', sip);
});

afterAll(() => place.close());

const callsOf = async (phone: Phone): Promise<readonly CallInfo[]> =>
  (await phone.client.call('calls.list', {})).calls;

async function until(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 20 });
}

/** SIGKILL, and another daemon in its place. Gives how long that took, in ms. */
async function killAndStart(phone: Phone): Promise<{ phone: Phone; ms: number }> {
  const { child, paths } = phone;
  const over = exited(child);
  child.kill('SIGKILL');
  await over;
  const from = performance.now();
  const again = await place.startPhone(paths);
  return { phone: again, ms: performance.now() - from };
}

const targets = {
  udp: () => `sip:bob@${bob.address}`,
  tcp: () => `sip:bob@${bob.tcp};transport=tcp`,
  tls: () => `sip:bob@${bob.tls};transport=tls`,
};

describe.each(['udp', 'tcp', 'tls'] as const)('a daemon that is killed in a call over %s', (by) => {
  it('has the call again, without a gap in the audio; it can be changed and ended', async () => {
    const before = heard(there, HERE_HZ).presentMs;
    await alice.client.call('call.dial', { target: targets[by](), wait: 10_000 });
    await until(() => expect(heard(there, HERE_HZ).presentMs - before).toBeGreaterThan(500));
    const [was] = await callsOf(alice);
    const { phone, ms } = await killAndStart(alice);
    alice = phone;
    expect(ms).toBeLessThan(2000);
    const [call] = await callsOf(alice);
    expect(call).toMatchObject({ id: was?.id, state: 'established', held: false });
    expect(call?.answeredAt).toBe(was?.answeredAt);
    const after = heard(there, HERE_HZ).presentMs;
    await until(() => expect(heard(there, HERE_HZ).presentMs - after).toBeGreaterThan(500));
    // What the far end has played: no pause longer than what a frame edge looks like.
    expect(heard(there, HERE_HZ).gapsMs.filter((gap) => gap > 60)).toEqual([]);
    await alice.client.call('call.hold', {});
    await until(async () => expect(await callsOf(bob)).toMatchObject([{ remoteHeld: true }]));
    await alice.client.call('call.resume', {});
    await bob.client.call('call.hold', {});
    await until(async () => expect(await callsOf(alice)).toMatchObject([{ remoteHeld: true }]));
    await bob.client.call('call.resume', {});
    await (by === 'udp' ? alice : bob).client.call('call.hangup', {});
    await until(async () => expect([await callsOf(alice), await callsOf(bob)]).toEqual([[], []]));
    await until(async () => {
      const { journal } = await alice.client.call('status', {});
      expect(journal).toMatchObject({ state: 'ok', calls: 0, lost: null });
    });
  });

  it('has the call that it took as well', async () => {
    await alice.client.call('call.dial', { target: targets[by](), wait: 10_000 });
    const { phone } = await killAndStart(bob);
    bob = phone;
    expect(await callsOf(bob)).toMatchObject([{ direction: 'incoming', state: 'established' }]);
    await alice.client.call('call.hold', {});
    await until(async () => expect(await callsOf(bob)).toMatchObject([{ remoteHeld: true }]));
    await bob.client.call('call.hangup', {});
    await until(async () => expect([await callsOf(alice), await callsOf(bob)]).toEqual([[], []]));
  });
});

describe('what the person has set', () => {
  it('is there again after a daemon was killed, and shown', async () => {
    await bob.client.call('settings.doNotDisturb', { on: true });
    await bob.client.call('settings.forward', { noAnswer: '300', afterMs: 7000 });
    const { phone } = await killAndStart(bob);
    bob = phone;
    expect(await bob.client.call('settings.get', {})).toMatchObject({
      doNotDisturb: true,
      forwarding: [{ always: null, busy: null, noAnswer: '300', afterMs: 7000 }],
    });
    expect((await place.offhook(bob, 'status')).out).toMatch(/do not disturb +on/);
    const call = alice.client.call('call.dial', { target: targets.udp(), wait: 10_000 });
    await expect(call).rejects.toThrow(/486/);
    await bob.client.call('settings.doNotDisturb', { on: false });
    await bob.client.call('settings.forward', { asConfigured: true });
  });
});
