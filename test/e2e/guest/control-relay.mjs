// The daemon's control socket, as TCP for the host.
import { connect, createServer } from 'node:net';

createServer((outside) => {
  const inside = connect('/state/control.sock');
  outside.pipe(inside).pipe(outside);
  outside.on('error', () => inside.destroy());
  inside.on('error', () => outside.destroy());
}).listen(7000);
