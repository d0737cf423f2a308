import { openPlane, openSockets, legConfig, codec, workerPid, nextEvent } from './test-plane.ts';
import { RtpPeer } from './rtp-peer.ts';
const a = await openPlane(); const peer = await RtpPeer.open();
const s = await openSockets(a.plane);
await a.plane.setLeg(legConfig('a', s, peer.sockets, { codec: codec((process.argv[2] ?? 'PCMA') as never), input: 'tone:440' }));
await peer.until('x', () => peer.rtp.length > 20);
let last = performance.now(), gap = 0;
const iv = () => {};
for (let i = 0; i < 4; i++) {
  const n = peer.rtp.length; const pid = await workerPid(a.socketPath);
  const t0 = performance.now();
  process.kill(pid, 'SIGKILL');
  const up = nextEvent(a.plane, 'worker', e => e.state === 'up').then(() => performance.now() - t0);
  const n2 = peer.rtp.length;
  await peer.until('y', () => peer.rtp.length > n2 + 2);
  console.log('first packets after', Math.round(performance.now() - t0), 'up after', Math.round(await up));
  await new Promise(r => setTimeout(r, 700));
}
await a.plane.close({ stopWorker: true }); process.exit(0);
