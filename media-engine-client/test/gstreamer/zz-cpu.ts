import { readFileSync, readdirSync } from 'node:fs';
import { openPlane, openSockets, legConfig, codec, workerPid } from './test-plane.ts';
const [name, ns, secs = '6'] = process.argv.slice(2);
const a = await openPlane(), b = await openPlane();
const n = Number(ns);
const ap = await workerPid(a.socketPath), bp = await workerPid(b.socketPath);
const rss = (p: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${p}/status`, 'utf8'))![1]);
const r0 = rss(ap);
for (let i = 0; i < n; i++) {
  const sa = await openSockets(a.plane), sb = await openSockets(b.plane);
  await a.plane.setLeg(legConfig(`l${i}`, sa, sb, { codec: codec(name as never), input: 'tone:440' }));
  await b.plane.setLeg(legConfig(`l${i}`, sb, sa, { codec: codec(name as never), input: 'tone:440' }));
}
await new Promise(r => setTimeout(r, 2500));
const cpu = (p: number) => { const f = readFileSync(`/proc/${p}/stat`, 'utf8').split(') ')[1]!.split(' '); return (Number(f[11]) + Number(f[12])) / 100; };
const c0 = cpu(ap) + cpu(bp), u0 = process.cpuUsage(), t0 = performance.now();
await new Promise(r => setTimeout(r, Number(secs) * 1000));
const dt = (performance.now() - t0) / 1000; const u = process.cpuUsage(u0);
console.log(name, n, 'worker cpu%/leg', (100 * (cpu(ap) + cpu(bp) - c0) / dt / 2 / n).toFixed(2), 'node%/leg(2 planes)', ((u.user + u.system) / 1e4 / dt / 2 / n).toFixed(2),
 'threads', readdirSync(`/proc/${ap}/task`).length, 'rss idle', r0, 'per leg KB', ((rss(ap) - r0) / n).toFixed(0), 'node rss', rss(process.pid));
await a.plane.close({ stopWorker: true }); await b.plane.close({ stopWorker: true }); process.exit(0);
