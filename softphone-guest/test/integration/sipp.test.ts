import { stopProcess } from '@offhook/common';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { heard } from './support/heard.ts';
import { Place, type Engine, type Phone } from './support/place.ts';
import { freeUdpPort, untilUdpPortTaken } from './support/udp-port.ts';

/** SIPp's built-in scenarios as the far end; it echoes RTP, so that what is heard is our own tone. */
let place: Place;
let phone: Phone;
let engine: Engine;

const HZ = 440;

beforeAll(async () => {
  place = new Place();
  engine = await place.engine('guest', `tone:${HZ}`);
  phone = await place.phone('guest', engine, 'auto_answer = true');
});

afterAll(() => place.close());

const heardMs = () => heard(engine, HZ).presentMs;

async function until(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 10_000, interval: 50 });
}

describe('SIPp', () => {
  it('uac: its call is taken, with audio both ways', async () => {
    const before = heardMs();
    const media = await freeUdpPort();
    const { done } = place.sipp(`-sn uac -d 3000 -rtp_echo -mp ${media} ${phone.address}`);
    await until(async () => {
      const { out } = await place.offhook(phone, 'calls --json');
      const { calls } = JSON.parse(out) as { calls: { state: string; media: object }[] };
      expect(calls).toMatchObject([{ state: 'established', media: { codec: 'PCMU' } }]);
    });
    expect(await done).toMatchObject({ code: 0 });
    await until(async () => {
      const { calls } = await phone.client.call('history.list', {});
      expect(calls[0]).toMatchObject({ direction: 'incoming', end: { by: 'remote' } });
      expect(calls[0]?.media.rxPackets).toBeGreaterThan(50);
      expect(calls[0]?.media.txPackets).toBeGreaterThan(50);
    });
    expect(heardMs() - before).toBeGreaterThan(1000);
  });

  it('uas: a call is placed to it, with audio both ways, and ended', async () => {
    const before = heardMs();
    const [port, media] = [await freeUdpPort(), await freeUdpPort()];
    const { done } = place.sipp(`-sn uas -p ${port} -rtp_echo -mp ${media}`);
    await untilUdpPortTaken(port);
    const dialled = await place.offhook(
      phone,
      `dial sip:service@127.0.0.1:${port} --wait 10 --json`,
    );
    expect(dialled).toMatchObject({ code: 0, err: '' });
    await until(() => expect(heardMs() - before).toBeGreaterThan(1000));
    const checks = await place.offhook(phone, 'doctor');
    expect(checks.out).toMatch(/ok +media +call \w+: sent \d+, received \d+ packets/);
    expect(checks.code).toBe(0);
    expect((await place.offhook(phone, 'hangup')).code).toBe(0);
    expect(await done).toMatchObject({ code: 0 });
  });

  it.each([
    [true, /ok +media +received \d+ packets/],
    [
      false,
      /fail +media +nothing comes to 127\.0\.0\.1:\d+ from 127\.0\.0\.1:\d+: let UDP through/,
    ],
  ])(
    'uas: doctor calls it, and says whether sound comes back (echo: %s)',
    async (echo, verdict) => {
      const [port, media] = [await freeUdpPort(), await freeUdpPort()];
      const { done } = place.sipp(`-sn uas -p ${port} ${echo ? '-rtp_echo' : ''} -mp ${media}`);
      await untilUdpPortTaken(port);
      const said = await place.offhook(phone, `doctor --call sip:service@127.0.0.1:${port}`);
      expect(said.out).toMatch(/ok +media +sent \d+ packets .*; the peer does not report \(RTCP\)/);
      expect(said.out).toMatch(verdict);
      expect(said.code).toBe(echo ? 0 : 1);
      expect(await done).toMatchObject({ code: 0 });
    },
    30_000,
  );

  it('doctor in place of a daemon says whether its port is free, and takes none', async () => {
    const port = await freeUdpPort();
    const sip = `listen = ["udp:0.0.0.0:${port}"]`;
    const other = await place.phone('idle', engine, '', '', sip);
    await stopProcess(other.child);
    // Each would be in the way of the other, as of a daemon that starts.
    const both = await Promise.all([
      place.offhook(other, 'doctor'),
      place.offhook(other, 'doctor'),
    ]);
    for (const { out, code } of both) {
      expect(out).toContain(`udp:0.0.0.0:${port} is free`);
      expect(code).toBe(0);
    }
    place.sipp(`-sn uas -p ${port}`);
    await untilUdpPortTaken(port);
    const taken = await place.offhook(other, 'doctor');
    expect(taken.out).toContain(`another program has the port of udp:0.0.0.0:${port}`);
    expect(taken.code).toBe(1);
  });

  it('uas: gets a BYE when the phone is told to end', async () => {
    const port = await freeUdpPort();
    const other = await place.phone('other', engine);
    const { done } = place.sipp(`-sn uas -p ${port}`);
    await untilUdpPortTaken(port);
    const dialled = await place.offhook(other, `dial sip:x@127.0.0.1:${port} --wait 10`);
    expect(dialled.code).toBe(0);
    other.child.kill('SIGTERM');
    expect(await done).toMatchObject({ code: 0 });
    await until(() => expect(other.child.exitCode).toBe(0));
    expect((await place.offhook(other, 'status')).code).toBe(3);
  });
});
