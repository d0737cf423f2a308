// The proxy as a process of its own, as a link is; takes its desktop as argument, prints the way in.
import { silentLogger, systemClock } from '@offhook/common';
import { startSpiceProxy, type SpiceSource } from '@offhook/virtual-channel/spice';

const source = JSON.parse(process.argv[2] ?? '') as SpiceSource;
const proxy = await startSpiceProxy({
  source,
  portName: 'org.offhook.engine.0',
  clock: systemClock,
  logger: silentLogger,
  onChannel: () => undefined,
});
const { host, port, tls, ticket } = proxy.admit();
const way =
  tls === undefined ? { port } : { tlsPort: tls.port, ca: tls.ca, hostSubject: tls.hostSubject };
console.log(JSON.stringify({ host, password: ticket, secureChannels: [], ...way }));
