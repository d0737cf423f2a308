import { openPlane, openSockets, legConfig, codec, recording, played } from './test-plane.ts';
import { hasTone } from '@offhook/common/audio';
const name = process.argv[2] as never;
for (let k = 0; k < 4; k++) {
const a = await openPlane(), b = await openPlane();
const sa = await openSockets(a.plane), sb = await openSockets(b.plane);
const f = `${b.directory}/b.wav`;
await a.plane.setLeg(legConfig('a', sa, sb, { codec: codec(name), input: 'tone:440' }));
await b.plane.setLeg(legConfig('b', sb, sa, { codec: codec(name), output: `file:${f}` }));
await played(f, 440, 900);
const w = await recording(f); const st = 160; let runs: string[] = []; let prev = true, s0 = 0;
for (let i = 0; i + 320 <= w.samples.length; i += st) { const h = hasTone(w.samples.subarray(i, i + 320), 440, 16000); if (h !== prev) { if (h) runs.push(`${s0 / 16}..${i / 16}`); else s0 = i; prev = h; } }
console.log(name, 'gaps at ms', runs.join(' '), 'total', w.samples.length / 16);
await a.plane.close({ stopWorker: true }); await b.plane.close({ stopWorker: true });
}
process.exit(0);
