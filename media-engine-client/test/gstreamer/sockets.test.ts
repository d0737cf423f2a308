import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { RtpPeer } from './rtp-peer.ts';
import { legConfig, openPlane, openSockets, rawWorker } from './test-plane.ts';

describe('sockets for RTP', () => {
  it('are an even port and the odd one above it', async () => {
    await using here = await openPlane();
    for (const address of ['127.0.0.1', '::1']) {
      const sockets = await openSockets(here.plane, address);
      expect(sockets.rtp.port % 2).toBe(0);
      expect(sockets.rtcp).toStrictEqual({ address, port: sockets.rtp.port + 1 });
    }
  });

  it('are never shared, and run out with the range', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const { rtp } = await openSockets(here.plane);
    await here.plane.closeSockets('rtp-1');
    const range = {
      address: '127.0.0.1',
      ports: { from: rtp.port, to: rtp.port + 5 },
      dscp: 46,
      tag: '',
    };
    const planes = [here.plane, there.plane, here.plane];
    const opened = [];
    for (const plane of planes) opened.push((await plane.openSockets(range)).rtp.port);
    expect(new Set(opened)).toStrictEqual(new Set([rtp.port, rtp.port + 2, rtp.port + 4]));
    await expect(there.plane.openSockets(range)).rejects.toMatchObject({ code: 'limit-reached' });
    await here.plane.closeSockets('rtp-2');
    await expect(there.plane.openSockets(range)).resolves.toBeDefined();
  });

  it('are not opened where another program has one of the two ports', async () => {
    await using here = await openPlane();
    const { rtp } = await openSockets(here.plane);
    await here.plane.closeSockets('rtp-1');
    const other = createSocket('udp4');
    other.bind(rtp.port + 1, '127.0.0.1');
    await once(other, 'listening');
    const ports = { from: rtp.port, to: rtp.port + 1 };
    await expect(
      here.plane.openSockets({ address: '127.0.0.1', ports, dscp: 46, tag: '' }),
    ).rejects.toMatchObject({ code: 'limit-reached' });
    other.close();
  });

  it.each(['127.0.0.1', '::1'])('carry a leg at %s', async (address) => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open(address);
    const sockets = await openSockets(here.plane, address);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    await peer.until('packets', () => peer.rtp.length > 5 && peer.rtcp.length > 0);
    expect(peer.sources[0]).toStrictEqual(sockets.rtp);
  });

  it.each(['127.0.0.1', '::1', '::'])(
    'at %s are marked as they were asked to be',
    async (address) => {
      await using here = await openPlane();
      const ports = { from: 20_000, to: 29_999 };
      for (const dscp of [46, 0]) await here.plane.openSockets({ address, ports, dscp, tag: '' });
      const worker = await rawWorker(here.socketPath);
      const rows = (await worker.request('list')).ports;
      worker.close();
      expect(rows.map((row) => row.dscp).toSorted((a, b) => a - b)).toStrictEqual([0, 46]);
    },
  );

  it('of both families at :: reach an IPv4 peer', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane, '::');
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    await peer.until('packets', () => peer.rtp.length > 5);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(peer.sockets.rtp);
  });

  it('close with the legs on them, and can be closed again', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    await here.plane.closeSockets(sockets.id);
    await here.plane.closeSockets(sockets.id);
    await here.plane.closeLeg('a');
    await expect(here.plane.stats('a')).rejects.toMatchObject({ code: 'unknown-session' });
    expect((await here.plane.adopt()).sockets).toStrictEqual([]);
  });

  it('that are not there are refused to a leg', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    await expect(
      here.plane.setLeg(legConfig('a', peer.sockets, peer.sockets)),
    ).rejects.toMatchObject({ code: 'invalid-params' });
  });
});
