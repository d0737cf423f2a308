import { openPlane, openSockets, legConfig, codec, recording } from '/work/main/media-engine-client/test/gstreamer/test-plane.ts';
import { dominantFrequency, findTone } from '/work/main/common/src/audio/index.ts';
import { mkdtempSync } from 'node:fs';
const name = (process.argv[2] ?? 'PCMA') as never;
const d = mkdtempSync('/tmp/wk/rec-');
const a = await openPlane(); const b = await openPlane();
const sa = await openSockets(a.plane), sb = await openSockets(b.plane);
console.log(sa, sb);
await a.plane.setLeg(legConfig('a', sa, sb, { codec: codec(name), input: 'tone:440', output: `file:${d}/a.wav` }));
await b.plane.setLeg(legConfig('b', sb, sa, { codec: codec(name), input: 'tone:1000', output: `file:${d}/b.wav` }));
await new Promise(r => setTimeout(r, 3000));
console.log(await a.plane.stats('a'), await b.plane.stats('b'));
for (const n of ['a', 'b']) { const w = await recording(`${d}/${n}.wav`); const { gapsMs, ...t } = findTone(w, n === 'a' ? 1000 : 440); console.log(n, dominantFrequency(w), t); }
await a.plane.close({ stopWorker: true }); await b.plane.close({ stopWorker: true });
