import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { goertzel, sine, writeWav } from '@offhook/common/audio';
import { PulseServer } from './pulse-server.ts';
import { RtpPeer } from './rtp-peer.ts';
import { legConfig, nextEvent, openPlane, openSockets, recording } from './test-plane.ts';

describe('sound devices', () => {
  it('of PulseAudio are listed with their roles, and as they come and go', async () => {
    await using pulse = await PulseServer.start(['desk']);
    await using here = await openPlane();
    const devices = await here.plane.listDevices();
    expect(devices).toContainEqual({
      id: 'pulse:desk',
      name: 'Null Output',
      roles: ['output', 'ringer'],
      present: true,
    });
    expect(devices.find((device) => device.id === 'pulse:desk.monitor')?.roles).toStrictEqual([
      'input',
    ]);
    const plugged = nextEvent(here.plane, 'devicesChanged', ({ devices: now }) =>
      now.some((device) => device.id === 'pulse:headset'),
    );
    const module = await pulse.pactl('load-module', 'module-null-sink', 'sink_name=headset');
    await plugged;
    const unplugged = nextEvent(
      here.plane,
      'devicesChanged',
      ({ devices: now }) => !now.some((device) => device.id === 'pulse:headset'),
    );
    await pulse.pactl('unload-module', module);
    await unplugged;
  });

  it('of PulseAudio carry a call', async () => {
    await using pulse = await PulseServer.start(['mic', 'speaker']);
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const tone = join(pulse.directory, 'tone.raw');
    await writeFile(tone, pcm(sine(500, 20, 16_000)));
    const player = pulse.play(tone, 'mic');
    await here.plane.setLeg(legConfig('a', a, b, { input: 'pulse:mic.monitor' }));
    await there.plane.setLeg(
      legConfig('b', b, a, { output: 'pulse:speaker', input: 'pulse:speaker.monitor' }),
    );
    const level = async () => (await there.plane.stats('b')).levels;
    await expect
      .poll(async () => (await level())?.outputDb, { timeout: 8000 })
      .toBeGreaterThan(-30);
    await expect.poll(async () => (await level())?.inputDb, { timeout: 8000 }).toBeGreaterThan(-30);
    player.kill();
  });

  it('that fail in a call are stood in for, told, and taken back when they are there again', async () => {
    await using pulse = await PulseServer.start(['desk']);
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, { input: 'pulse:desk.monitor', output: 'pulse:desk' }),
    );
    await peer.until('packets', () => peer.rtp.length > 3, 8000);
    const failures: string[] = [];
    here.plane.on('deviceFailed', ({ role, device }) => failures.push(`${role} ${device}`));
    await pulse.kill();
    await expect
      .poll(() => failures.toSorted())
      .toStrictEqual(['input pulse:desk.monitor', 'output pulse:desk']);
    const silent = peer.rtp.length;
    await peer.until('packets without a device', () => peer.rtp.length > silent + 10);
    await pulse.restart();
    await expect
      .poll(async () => await pulse.pactl('list', 'short', 'source-outputs'), { timeout: 8000 })
      .not.toBe('');
    const back = peer.rtp.length;
    await peer.until('packets of the device', () => peer.rtp.length > back + 10, 8000);
    const packets = peer.packets();
    packets.slice(1).forEach((packet, at) => {
      expect(packet.seq).toBe(((packets[at]?.seq ?? 0) + 1) & 0xffff);
    });
  });

  it('that the sound server replaces by itself when they are unplugged are gone back to', async () => {
    await using pulse = await PulseServer.start(['desk']);
    const plug = () => pulse.pactl('load-module', 'module-null-sink', 'sink_name=headset');
    const module = await plug();
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const devices = { input: 'pulse:headset.monitor', output: 'pulse:headset' };
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, devices));
    await peer.until('packets', () => peer.rtp.length > 3, 8000);
    const failures: string[] = [];
    here.plane.on('deviceFailed', ({ role, device }) => failures.push(`${role} ${device}`));
    const microphone = async () => {
      const [, index] = (await pulse.pactl('list', 'short', 'source-outputs')).split('\t');
      const sources = (await pulse.pactl('list', 'short', 'sources')).split('\n');
      return sources.map((row) => row.split('\t')).find(([id]) => id === index)?.[1];
    };
    expect(await microphone()).toBe('headset.monitor');
    await pulse.pactl('unload-module', module);
    await expect
      .poll(() => failures.toSorted(), { timeout: 5000 })
      .toStrictEqual(['input pulse:headset.monitor', 'output pulse:headset']);
    expect(await microphone()).toBe('desk.monitor');
    await plug();
    await expect.poll(microphone, { timeout: 8000 }).toBe('headset.monitor');
  });

  it('that cannot be opened are stood in for from the start', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const failed = nextEvent(here.plane, 'deviceFailed');
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, { input: 'file:/nonexistent/speech.wav' }),
    );
    expect(await failed).toMatchObject({ leg: 'a', role: 'input' });
    await peer.until('packets', () => peer.rtp.length > 3);
  });

  it('that ring are stood in for, at the start and in the middle, by one that can be heard', async () => {
    await using pulse = await PulseServer.start(['desk']);
    await using here = await openPlane();
    const tone = { steps: [{ frequencies: [440], ms: 1000 }], levelDb: -20 };
    const heard = async () => (await pulse.pactl('list', 'short', 'sink-inputs')).split('\t')[1];
    const sinks = await pulse.pactl('list', 'short', 'sinks');
    const desk = sinks.split('\t')[0];
    await here.plane.playTone('ring', tone, 'pulse:gone');
    await expect.poll(heard, { timeout: 4000 }).toBe(desk);
    await here.plane.stopTone('ring');
    await expect.poll(heard, { timeout: 4000 }).toBeUndefined();

    const module = await pulse.pactl('load-module', 'module-null-sink', 'sink_name=headset');
    await expect
      .poll(async () => (await here.plane.listDevices()).map(({ id }) => id))
      .toContain('pulse:headset');
    await here.plane.playTone('ring', tone, 'pulse:headset');
    await expect.poll(heard, { timeout: 4000 }).toMatch(/\d/);
    expect(await heard()).not.toBe(desk);
    const standIns: unknown[] = [];
    here.plane.on('standIns', (event) => standIns.push(event.standIns));
    await pulse.pactl('unload-module', module);
    await expect.poll(heard, { timeout: 4000 }).toBe(desk);
    await expect
      .poll(() => standIns.at(-1), { timeout: 4000 })
      .toStrictEqual({ ringer: 'default' });

    // It goes back by itself, without being played anew.
    await pulse.pactl('load-module', 'module-null-sink', 'sink_name=headset');
    await expect.poll(heard, { timeout: 4000 }).not.toBe(desk);
    await expect.poll(() => standIns.at(-1), { timeout: 4000 }).toStrictEqual({});
  });

  it('of no known kind are refused', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    for (const input of ['jack:1', 'tone:abc', 'tone:0', ''])
      await expect(
        here.plane.setLeg(legConfig('a', sockets, peer.sockets, { input })),
      ).rejects.toMatchObject({ code: 'no-such-device' });
  });

  it('as a WAV file are played again and again', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const path = join(here.directory, 'in.wav');
    await writeFile(path, writeWav(sine(600, 0.2)));
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { input: `file:${path}` }));
    await peer.until('more than the file has', () => peer.rtp.length > 40);
    const { levels } = await here.plane.stats('a');
    expect(levels?.inputDb).toBeGreaterThan(-25);
  });
});

describe('call progress tones', () => {
  it('are played in their cadence and stop', async () => {
    await using here = await openPlane();
    const path = join(here.directory, 'ringback.wav');
    const tone = {
      steps: [
        { frequencies: [440, 480], ms: 200 },
        { frequencies: [], ms: 300 },
      ],
      levelDb: -12,
    };
    await here.plane.playTone('ring', tone, `file:${path}`);
    const seconds = async () => {
      const { samples, sampleRate } = await recording(path);
      return samples.length / sampleRate;
    };
    await expect.poll(seconds, { timeout: 4000 }).toBeGreaterThan(0.8);
    await here.plane.stopTone('ring');
    await here.plane.stopTone('ring');
    const { samples, sampleRate } = await recording(path);
    const part = (fromMs: number, toMs: number) =>
      samples.subarray((fromMs * sampleRate) / 1000, (toMs * sampleRate) / 1000);
    for (const hz of [440, 480])
      expect(goertzel(part(40, 180), hz, sampleRate)).toBeGreaterThan(-16);
    expect(goertzel(part(250, 450), 440, sampleRate)).toBeLessThan(-60);
    expect(goertzel(part(540, 680), 480, sampleRate)).toBeGreaterThan(-16);
  });

  it('of a device that is not there are refused', async () => {
    await using here = await openPlane();
    const tone = { steps: [{ frequencies: [425], ms: 1000 }], levelDb: -12 };
    await expect(here.plane.playTone('x', tone, 'file:/nonexistent/x.wav')).rejects.toMatchObject({
      code: 'device-failed',
    });
  });
});

/** Samples as 16-bit little-endian. */
function pcm(audio: { samples: Float32Array }): Buffer {
  return Buffer.from(Int16Array.from(audio.samples, (sample) => sample * 32_767).buffer);
}
