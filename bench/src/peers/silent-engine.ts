// An engine as a process of its own that agrees on sessions and makes no sound: `silent-engine.ts
// ADDRESS`. Prints `ready`.
import { FakeEngineHost } from '@offhook/media-rpc/fake-engine';

const [address] = process.argv.slice(2);
if (address === undefined) throw new Error('usage: silent-engine.ts ADDRESS');
const host = new FakeEngineHost({ address: '127.0.0.1', ports: { from: 20_000, to: 60_000 } });
await host.listen(address);
process.once('SIGTERM', () => void host.close());
console.log('ready');
